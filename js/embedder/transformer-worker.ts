/** The worker of transformer.ts: one session, one batch after the other. */
import { OrtSession, type TokenBatch, type TransformerFiles } from './ort-session.js';

export type ToWorker = { type: 'open'; files: TransformerFiles; life: string } | { type: 'run'; batch: TokenBatch };
export type FromWorker =
  | { type: 'started' }
  | { type: 'ready' }
  | { type: 'vectors'; vectors: Float32Array }
  | { type: 'failed'; message: string };

interface WorkerScope {
  name: string;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}
const scope = globalThis as unknown as WorkerScope;

/** A lock of that name is the page's way to hear that this worker is gone: nothing else tells it. */
function holdUntilDeath(name: string): Promise<void> {
  const { locks } = navigator as { locks?: LockManager };
  return new Promise((held) => {
    const forever = new Promise<void>(() => undefined);
    if (locks === undefined) held();
    else
      locks
        .request(name, () => {
          held();
          return forever;
        })
        .catch(() => held());
  });
}

// The runtime starts its threads from this very file, and tells them by that name.
if (!scope.name.startsWith('em-pthread')) {
  let session: OrtSession | undefined;
  scope.onmessage = ({ data }) => {
    const done = async (): Promise<void> => {
      if (data.type === 'open') {
        await holdUntilDeath(data.life);
        session = await OrtSession.open(data.files);
        scope.postMessage({ type: 'ready' });
      } else if (session !== undefined) {
        const vectors = await session.run(data.batch);
        scope.postMessage({ type: 'vectors', vectors }, [vectors.buffer]);
      }
    };
    done().catch((error: unknown) => {
      scope.postMessage({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    });
  };
  scope.postMessage({ type: 'started' });
}
