/**
 * The errors callers meet. One base with a stable `code`; a handful of subclasses. Messages say what to change.
 * Secrets are redacted in the constructor, so no error can carry one into a log.
 */
import type { FailureClass } from './core-types.js';
import { redact } from './redact.js';
import type { Json, JsonObject, Trace } from './types.js';

const marker = Symbol.for('tierwise.error');

export class TierwiseError extends Error {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly details: JsonObject | undefined;

  constructor(code: string, message: string, options: { cause?: unknown; details?: JsonObject } = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: safeCause(options.cause) });
    this.name = 'TierwiseError';
    this.code = code;
    this.details = options.details && (clean(options.details) as JsonObject);
    Object.defineProperty(this, marker, { value: true });
  }

  /** True for errors of this package, also of another copy of it in the same page. */
  static isInstance(value: unknown): value is TierwiseError {
    return typeof value === 'object' && value !== null && marker in value;
  }

  toJSON(): JsonObject {
    return { name: this.name, code: this.code, message: this.message, ...(this.details && { details: this.details }) };
  }
}

/** The configuration is wrong; `field` names where (`spaces.company.url`). */
export class ConfigError extends TierwiseError {
  readonly field: string;
  constructor(field: string, message: string, code = 'invalid-config') {
    super(code, `${field}: ${message}`, { details: { field } });
    this.name = 'ConfigError';
    this.field = field;
  }
}

/** The request is wrong; `field` names where (`messages[0].content`). */
export class RequestError extends TierwiseError {
  readonly field: string | undefined;
  constructor(code: string, message: string, field?: string) {
    super(code, message, field === undefined ? {} : { details: { field } });
    this.name = 'RequestError';
    this.field = field;
  }
}

/** A chat template is wrong or met a limit (`template-error`), or raised an error itself, which is the message (`template-refused`). */
export class TemplateError extends TierwiseError {
  /** From 1, in the template's text; columns count code points. */
  readonly line: number;
  readonly column: number;
  constructor(code: 'template-error' | 'template-refused', message: string, line: number, column: number) {
    super(code, message, { details: { line, column } });
    this.name = 'TemplateError';
    this.line = line;
    this.column = column;
  }
}

/** The WebAssembly core could not be loaded. */
export class LoadError extends TierwiseError {
  constructor(message: string, cause?: unknown) {
    super('load-failed', message, { cause });
    this.name = 'LoadError';
  }
}

export interface CallAttempt {
  target: string;
  class: FailureClass;
  message: string;
}

/** No target answered, or a stream broke after a part of it was shown. */
export class CallError extends TierwiseError {
  /** Of the last attempt; also the `code`. `no-target` when the plan had none. */
  readonly class: FailureClass | 'no-target';
  readonly attempts: readonly CallAttempt[];
  /** What had been received, when a part was already shown. */
  readonly partial: string | undefined;
  /** When trying again makes sense, ms since the epoch. */
  readonly retryAt: number | undefined;
  readonly trace: Trace | undefined;

  constructor(
    failureClass: FailureClass | 'no-target',
    message: string,
    more: {
      attempts?: readonly CallAttempt[];
      partial?: string;
      retryAt?: number;
      trace?: Trace;
      cause?: unknown;
    } = {},
  ) {
    super(failureClass, message, { cause: more.cause });
    this.name = 'CallError';
    this.class = failureClass;
    this.attempts = (more.attempts ?? []).map((attempt) => ({ ...attempt, message: redact(attempt.message) }));
    this.partial = more.partial;
    this.retryAt = more.retryAt;
    this.trace = more.trace;
  }
}

/** `onlyIfCached` was asked for and nothing stored may answer. */
export class NotCachedError extends TierwiseError {
  constructor(message = 'Nothing in the cache answers this request, and onlyIfCached forbids a call.') {
    super('not-cached', message);
    this.name = 'NotCachedError';
  }
}

/** The caller aborted. `name` is `AbortError`, as fetch has it. */
export class AbortedError extends TierwiseError {
  readonly partial: string | undefined;
  constructor(partial?: string, cause?: unknown) {
    super('aborted', 'The request was aborted by the caller.', { cause });
    this.name = 'AbortError';
    this.partial = partial;
  }
}

/** JSON without secrets: text by text, so that a redaction never cuts into the JSON itself. */
function clean(value: Json): Json {
  return JSON.parse(JSON.stringify(value), (_key, inner: Json) =>
    typeof inner === 'string' ? redact(inner) : inner,
  ) as Json;
}

function safeCause(cause: unknown): unknown {
  if (TierwiseError.isInstance(cause)) return cause;
  if (cause instanceof Error) return { name: cause.name, message: redact(cause.message) };
  return redact(String(cause));
}
