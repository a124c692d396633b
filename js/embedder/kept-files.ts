/**
 * Files the browser keeps for use without a network, in its Cache API, by a key of their content. A place that cannot be
 * read, or is full, is done without.
 */
export interface KeepableFile {
  readonly bytes: Uint8Array;
  /** Undefined where nothing is to be kept. */
  readonly key: string | undefined;
}

const cacheName = 'tierwise-models';
/** ms. The page may be left at any time; until then what people wait for goes before, and a page that loads looks idle. */
const soonMs = 1000;

/** Undefined without a secure context; forbidden in some private windows. */
function store(): CacheStorage | undefined {
  return (globalThis as { caches?: CacheStorage }).caches;
}

export async function keptFile(key: string): Promise<Uint8Array | undefined> {
  try {
    const response = await store()?.match(key, { cacheName });
    return response && new Uint8Array(await response.arrayBuffer());
  } catch {
    return undefined;
  }
}

/** Until then the bytes must stay as they are. */
export function keepSoon(files: readonly KeepableFile[]): void {
  const all = store();
  if (all === undefined) return;
  const keep = async (): Promise<void> => {
    const place = await all.open(cacheName);
    for (const { key, bytes } of files)
      if (key !== undefined) await place.put(key, new Response(bytes as BufferSource));
  };
  setTimeout(() => void keep().catch(() => undefined), soonMs);
}
