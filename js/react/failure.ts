/** How a request that gave no reply is shown: as an error, or as something the person stopped. */
import { TierwiseError } from '../index.js';

export function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new TierwiseError('unexpected', String(cause), { cause });
}

export function wasCancelled(error: Error): boolean {
  return error.name === 'AbortError';
}
