/**
 * Embeddings of a server: Text Embeddings Inference (`POST /embed`), an OpenAI-compatible one (`POST /v1/embeddings`), or
 * a Gradio app whose function takes a text and gives a list of numbers. Tokens go where those of a Space go
 * (js/transports/space-host.ts). One request after the other; nothing is tried again.
 */
import { systemClock } from '../clock.js';
import { defaultHubUrl, resolveSpace } from '../config.js';
import { AbortedError, TierwiseError } from '../errors.js';
import { CallFailure } from '../transports/call-failure.js';
import { isObject } from '../transports/json.js';
import { SpaceHost } from '../transports/space-host.js';
import { createClient } from '../index.js';
import { anything, boolean, callable, check, oneOf, positive, type Shape, text, wholeFrom } from '../shape.js';
import type { Client, SpaceConfig, TokenSource } from '../types.js';
import { openDocumentSearch } from './document-search.js';
import {
  type DocumentSearch,
  type Embedder,
  embedderClosed,
  type EmbedOptions,
  type SearchableDocument,
} from './embedder.js';
import { requireTexts } from './require-texts.js';

export interface SpaceEmbedderOptions {
  /** As of a Space: `owner/name`, `https://…`. */
  url: string;
  /** Default `tei`. */
  protocol?: 'tei' | 'openai' | 'gradio';
  /** Of the vectors it gives. */
  dimensions: number;
  /** Sent to an OpenAI-compatible server. */
  model?: string;
  /** Of a Gradio app: the name of its function. */
  endpoint?: string;
  /** Version label: vectors of two revisions are never compared. */
  revision?: string;
  token?: TokenSource;
  /** As of a client. */
  dangerouslyAllowBrowserToken?: boolean;
  /** Texts of one request. Default 32. */
  batch?: number;
  /** ms for one request. Default 60,000. */
  timeout?: number;
  fetch?: typeof fetch;
}

/** Of one reply. A full batch of the largest vectors, 1,024 of 16,384 numbers, would be more: then ask for fewer texts at once. */
const maxReplyBytes = 32 << 20;
const defaultBatch = 32;
/** ms */
const defaultTimeout = 60_000;

/**
 * Nothing is asked before it is used. Errors of `embed`: TierwiseError `embedding-failed`; AbortedError; RequestError naming the
 * text. Throws ConfigError naming the field.
 */
export function spaceEmbedder(options: SpaceEmbedderOptions): Embedder {
  check(options, shape, '', 'options');
  const { protocol = 'tei', token, dangerouslyAllowBrowserToken = false, url, endpoint } = options;
  wholeFrom(1, 16_384)(options.dimensions, 'dimensions');
  const given = { url, ...(token !== undefined && { token }), ...(endpoint !== undefined && { endpoint }) };
  const space = resolveSpace(given, 'options', dangerouslyAllowBrowserToken);
  return protocol === 'gradio' ? new GradioEmbedder(options, space) : new ServerEmbedder(options, protocol, space);
}

const shape: Shape = {
  url: text,
  protocol: oneOf('tei', 'openai', 'gradio'),
  dimensions: wholeFrom(1, 16_384),
  model: text,
  endpoint: text,
  revision: text,
  token: anything,
  dangerouslyAllowBrowserToken: boolean,
  batch: wholeFrom(1, 1024),
  timeout: positive,
  fetch: callable,
};

abstract class RemoteEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  protected readonly options: SpaceEmbedderOptions;
  readonly #closing = new AbortController();
  /** Requests under way, one behind the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SpaceEmbedderOptions, protocol: string) {
    const { url, model = '', endpoint = '', revision = '', dimensions } = options;
    this.options = options;
    this.dimensions = dimensions;
    this.id = [protocol, url, model, endpoint, revision, dimensions].join(' ');
  }

  async embed(texts: readonly string[], { signal }: EmbedOptions = {}): Promise<Float32Array[]> {
    requireTexts(texts);
    const found: Float32Array[] = [];
    const batch = this.options.batch ?? defaultBatch;
    for (let from = 0; from < texts.length; from += batch) {
      const some = texts.slice(from, from + batch);
      const turn = this.#last.catch(() => undefined).then(() => this.#ask(some, signal));
      this.#last = turn;
      const rows = await turn;
      if (!Array.isArray(rows) || rows.length !== some.length) {
        throw this.failed(`It answered ${String(some.length)} texts with something else than as many vectors.`);
      }
      for (const row of rows) found.push(this.#vector(row));
    }
    return found;
  }

  search<D extends SearchableDocument>(
    documents: readonly D[],
    options: EmbedOptions = {},
  ): Promise<DocumentSearch<D>> {
    return openDocumentSearch(this, documents, options);
  }

  close(): void {
    this.#closing.abort();
  }

  async #ask(texts: readonly string[], signal: AbortSignal | undefined): Promise<unknown> {
    const closed = this.#closing.signal;
    if (closed.aborted) throw embedderClosed();
    const ends = [closed, AbortSignal.timeout(this.options.timeout ?? defaultTimeout)];
    const either = AbortSignal.any(signal === undefined ? ends : [signal, ...ends]);
    try {
      return await this.vectors(texts, either);
    } catch (error) {
      if (signal?.aborted === true) throw new AbortedError(undefined, signal.reason);
      if (isAborted(closed)) throw embedderClosed();
      throw error;
    }
  }

  /** A list for each text. */
  protected abstract vectors(texts: readonly string[], signal: AbortSignal): Promise<unknown>;

  protected failed(why: string, cause?: unknown): TierwiseError {
    return new TierwiseError('embedding-failed', `No embedding from ${this.options.url}. ${why}`, { cause });
  }

  /** Some servers give a matrix of one row. */
  #vector(row: unknown): Float32Array {
    const numbers: unknown = Array.isArray(row) && row.length === 1 && Array.isArray(row[0]) ? row[0] : row;
    if (!Array.isArray(numbers) || numbers.length !== this.dimensions) {
      const size = Array.isArray(numbers) ? `${String(numbers.length)} numbers` : typeof numbers;
      throw this.failed(`It gave ${size} where \`dimensions\` says ${String(this.dimensions)}.`);
    }
    const vector = Float32Array.from(numbers as number[]);
    const length = Math.hypot(...vector);
    if (!Number.isFinite(length)) throw this.failed('It gave what is no number.');
    return length === 0 ? vector : vector.map((number) => number / length);
  }
}

class ServerEmbedder extends RemoteEmbedder {
  readonly #host: SpaceHost;
  readonly #protocol: 'tei' | 'openai';

  constructor(options: SpaceEmbedderOptions, protocol: 'tei' | 'openai', space: SpaceConfig) {
    super(options, protocol);
    this.#protocol = protocol;
    const { timeout: ms = defaultTimeout } = options;
    const platform: typeof fetch = (input, init) => fetch(input, init);
    const network = { fetch: options.fetch ?? platform, clock: systemClock, hubUrl: defaultHubUrl, maxReplyBytes };
    this.#host = new SpaceHost('embedder', space, { ...network, timeouts: { firstChunk: ms, stall: ms } }, undefined);
  }

  protected async vectors(texts: readonly string[], signal: AbortSignal): Promise<unknown> {
    try {
      const { base } = await this.#host.locate(signal);
      if (base === '')
        throw this.failed('The Hub knows no such Space, or shows it only to its owner: check the token.');
      const { http } = this.#host;
      if (this.#protocol === 'tei') {
        const json = { inputs: texts, truncate: true, normalize: true };
        return await http.json(`${base}/embed`, { method: 'POST', json, signal });
      }
      const json = { input: texts, model: this.options.model, encoding_format: 'float' };
      const answer = await http.json(`${base}/v1/embeddings`, { method: 'POST', json, signal });
      return inOrder(answer);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const { status, message } = error.facts as { status?: number; message?: string };
      // Asleep, perhaps: whoever comes next may find it awake.
      if (status === undefined || status >= 500) this.#host.visit();
      throw this.failed(
        [status === undefined ? '' : `HTTP ${String(status)}.`, message ?? error.message].join(' ').trim(),
        error,
      );
    }
  }
}

/** Not narrowed by what was asked before a wait. */
function isAborted({ aborted }: AbortSignal): boolean {
  return aborted;
}

/** OpenAI's answer gives each vector its place. */
function inOrder(answer: unknown): unknown {
  const data: unknown = isObject(answer) ? answer['data'] : undefined;
  if (!Array.isArray(data)) return undefined;
  const rows: unknown[] = [];
  for (const [i, row] of data.entries()) {
    if (isObject(row)) rows[typeof row['index'] === 'number' ? row['index'] : i] = row['embedding'];
  }
  return rows;
}

class GradioEmbedder extends RemoteEmbedder {
  readonly #client: Client;

  constructor(options: SpaceEmbedderOptions, space: SpaceConfig) {
    super(options, 'gradio');
    const { fetch: given, dangerouslyAllowBrowserToken = false, timeout: total = defaultTimeout } = options;
    this.#client = createClient({
      spaces: { base: { ...space, protocol: 'gradio' } },
      cache: false,
      storage: 'memory',
      timeouts: { total },
      dangerouslyAllowBrowserToken,
      ...(given !== undefined && { fetch: given }),
    });
  }

  protected async vectors(texts: readonly string[], signal: AbortSignal): Promise<unknown> {
    const rows: unknown[] = [];
    for (const input of texts) {
      try {
        const { content } = await this.#client.generate(input, { signal, cache: false, wake: 'wait' });
        rows.push(JSON.parse(content));
      } catch (cause) {
        if (cause instanceof SyntaxError) throw this.failed('Its function must give a list of numbers.', cause);
        throw TierwiseError.isInstance(cause) ? this.failed(cause.message, cause) : cause;
      }
    }
    return rows;
  }

  override close(): void {
    super.close();
    this.#client.close();
  }
}
