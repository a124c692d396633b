/**
 * Keys of targets, sealed so that the database never sees them: the byte 1, 12 random bytes, AES-256-GCM of the key's
 * UTF-8 with its tag of 16; additional data `<company or "all">/<target>`, so that a row moved elsewhere does not open.
 */
import { Refusal } from './answer.ts';
import { joinBytes } from './join-bytes.ts';
import { settings } from './settings.ts';

const kVersion = 1;
const kNonce = 12;

export interface Place {
  /** Null: the operator's, for every company. */
  company: string | null;
  target: string;
}

export function currentSealingKey(): string {
  const [id] = settings().sealing.keys();
  if (id === undefined)
    throw new Refusal(
      503,
      'not-configured',
      'Not configured: TIERWISE_SEALING_KEYS is missing, so no key can be kept.',
    );
  return id;
}

export async function seal(key: string, place: Place, keyId: string): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(kNonce));
  const cipher = await crypto.subtle.encrypt(
    parameters(nonce, place),
    await outer(keyId),
    new TextEncoder().encode(key),
  );
  return joinBytes([Uint8Array.of(kVersion), nonce, new Uint8Array(cipher)]);
}

export async function open(sealed: Uint8Array, place: Place, keyId: string): Promise<string> {
  const bytes = new Uint8Array(sealed);
  const key = await outer(keyId);
  try {
    if (bytes[0] !== kVersion) throw new Error('version');
    const nonce = bytes.slice(1, 1 + kNonce);
    return new TextDecoder().decode(
      await crypto.subtle.decrypt(parameters(nonce, place), key, bytes.slice(1 + kNonce)),
    );
  } catch {
    throw new Refusal(
      503,
      'key-unreadable',
      'The key of this target cannot be opened: an administrator has to put it again.',
    );
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, { company, target }: Place): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(`${company ?? 'all'}/${target}`) };
}

async function outer(keyId: string): Promise<CryptoKey> {
  const bytes = settings().sealing.get(keyId);
  if (bytes === undefined)
    throw new Refusal(
      503,
      'key-unreadable',
      'The key of this target was sealed by a sealing key that is not configured.',
    );
  return crypto.subtle.importKey('raw', new Uint8Array(bytes), 'AES-GCM', false, ['encrypt', 'decrypt']);
}
