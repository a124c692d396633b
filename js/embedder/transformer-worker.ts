/** The worker of transformer.ts: one session, one batch after the other. */
import { OrtSession, type TokenBatch, type TransformerFiles } from './ort-session.js';

export type ToWorker = { type: 'open'; files: TransformerFiles } | { type: 'run'; batch: TokenBatch };
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

// The runtime starts its threads from this very file, and tells them by that name.
if (!scope.name.startsWith('em-pthread')) {
  let session: OrtSession | undefined;
  scope.onmessage = ({ data }) => {
    const done = async (): Promise<void> => {
      if (data.type === 'open') {
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
