/** The worker of transformer.ts: one session, one batch after the other. */
import { type KeepableFile, keepSoon } from './kept-files.js';
import { OrtSession, startRuntime, type TokenBatch, useRuntime } from './ort-session.js';

export type ToWorker =
  /** Has no answer; what failed is told to `open`. */
  | { type: 'start'; runtime: KeepableFile; threads: number; life: string }
  | { type: 'open'; model: KeepableFile }
  /** Only of a model that was checked. */
  | { type: 'run'; batch: TokenBatch };
export type FromWorker =
  | { type: 'started' | 'ready'; vectors?: undefined }
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
  let starting: Promise<void> | undefined;
  let toKeep: KeepableFile[] = [];
  const answer = async (message: ToWorker): Promise<void> => {
    if (message.type === 'start') {
      toKeep.push(message.runtime);
      useRuntime(message.runtime.bytes, message.threads);
      starting = holdUntilDeath(message.life).then(startRuntime);
      await starting.catch(() => undefined);
    } else if (message.type === 'open') {
      toKeep.push(message.model);
      await starting;
      session = await OrtSession.open(message.model.bytes);
      scope.postMessage({ type: 'ready' });
    } else if (session !== undefined) {
      const vectors = await session.run(message.batch);
      scope.postMessage({ type: 'vectors', vectors }, [vectors.buffer]);
      keepSoon(toKeep);
      toKeep = [];
    }
  };
  scope.onmessage = ({ data }) => {
    answer(data).catch((error: unknown) => {
      scope.postMessage({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    });
  };
  scope.postMessage({ type: 'started' });
}
