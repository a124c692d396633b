/**
 * Text of others as it may be shown in a terminal, in one line: no escape sequences, control or bidirectional characters,
 * nothing invisible; and no secret, neither one of `secrets` (plain or percent-encoded) nor one of a known shape.
 */
import { redact } from '../../redact.js';

const kMostCharacters = 600;
const kLeastSecret = 4;
/** Names that have the shape of a key. */
const tables = /\b(hf_spaces_config|hf_deployments)\b/;
const escapes =
  // eslint-disable-next-line no-control-regex
  /\u001b\[[0-?]*[ -/]*[@-~]|\u009b[0-?]*[ -/]*[@-~]|(?:\u001b[P\]X^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

export class Shown {
  readonly #secrets: string[];

  constructor(secrets: readonly (string | undefined)[]) {
    const known = new Set<string>();
    for (const secret of secrets) {
      if (secret === undefined || secret.length < kLeastSecret) continue;
      for (const form of [secret, encodeURIComponent(secret), encodeURI(secret)]) known.add(form);
      // As text of others has it once it is cleaned.
      known.add(clean(secret));
    }
    this.#secrets = [...known].filter(({ length }) => length >= kLeastSecret).sort((a, b) => b.length - a.length);
  }

  text(text: string, most = kMostCharacters): string {
    // Cleaned first, so that a secret broken by something invisible is whole again; cut last, so that none is left half.
    const known = this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), clean(text));
    const parts = known.split(tables).map((part, index) => (index % 2 === 1 ? part : redact(part)));
    const safe = parts.join('').replace(/(:\/\/)[^\s/@]*@/g, '$1…@');
    const points = Array.from(safe);
    return points.length > most ? `${points.slice(0, most - 1).join('')}…` : safe;
  }

  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((part) => this.value(part));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [this.text(name), this.value(part)]));
  }
}

/** One line of what can be seen. */
export function clean(text: string): string {
  return text
    .replace(escapes, '')
    .replace(/\p{Cs}/gu, '\uFFFD')
    .replace(/[\s\u2028\u2029]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u115f\u1160\u3164\uffa0]/gu, '')
    .trim();
}

/** The secrets that an address may hold: its password, as it is written and as it is meant. */
export function secretsOf(address: string): string[] {
  const [, user = '', written = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^:@/?#]*):(.*)@[^@]*$/i.exec(address) ?? [];
  if (written === '' || written === user) return [];
  try {
    return [written, decodeURIComponent(written)];
  } catch {
    return [written];
  }
}
