/**
 * The transformer behind a queue: one session, in a worker of its own where there are workers (else on this thread),
 * loaded with the first batch, one batch after the other; a job can be left while it waits. The worker is ended, and
 * its memory given back, after a while without work; a worker that dies fails the job it had and is made anew.
 */
import { AbortedError, LoadError, TierwiseError } from '../errors.js';
import type { OrtSession, TokenBatch, TransformerFiles } from './ort-session.js';
import type { FromWorker, ToWorker } from './transformer-worker.js';

export interface TransformerDeps {
  /** Reads the files, which are given away; called anew for each session. */
  files: () => Promise<TransformerFiles>;
  /** Ways to make a worker, tried one after the other. None: this thread. */
  workers: readonly (() => Worker)[];
  /** ms without work after which a worker is ended. */
  idleMs: number;
  /** ms one batch may take before its worker is taken for dead. */
  batchMs: number;
}
interface Job {
  batch: TokenBatch;
  signal: AbortSignal | undefined;
  resolve(vectors: Float32Array): void;
  reject(error: unknown): void;
}
interface Engine {
  run(batch: TokenBatch): Promise<Float32Array>;
  end(): void;
}

export class Transformer {
  readonly #deps: TransformerDeps;
  readonly #queue: Job[] = [];
  #engine: Engine | undefined;
  #working = false;
  #closed = false;
  #idle: ReturnType<typeof setTimeout> | undefined;
  /** What could not be had (a policy forbids it, the file is lost) is not tried again; without any this thread does it. */
  readonly #workers: (() => Worker)[];

  constructor(deps: TransformerDeps) {
    this.#deps = deps;
    this.#workers = [...deps.workers];
  }

  /** Whether a batch would be run at once. */
  get ready(): boolean {
    return this.#engine !== undefined;
  }

  /** float32 vectors of all tokens, one behind the other. Errors: LoadError, TierwiseError `embedding-failed`, AbortedError. */
  run(batch: TokenBatch, signal?: AbortSignal): Promise<Float32Array> {
    if (this.#closed) return Promise.reject(new TierwiseError('closed', 'This embedder was closed; create a new one.'));
    if (signal?.aborted === true) return Promise.reject(new AbortedError(undefined, signal.reason));
    return new Promise((resolve, reject) => {
      const job: Job = { batch, signal, resolve, reject };
      const leave = (): void => {
        const at = this.#queue.indexOf(job);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(new AbortedError(undefined, signal?.reason));
      };
      signal?.addEventListener('abort', leave, { once: true });
      const settled = <T>(then: (value: T) => void) => {
        return (value: T) => {
          signal?.removeEventListener('abort', leave);
          then(value);
        };
      };
      job.resolve = settled(resolve);
      job.reject = settled(reject);
      this.#queue.push(job);
      void this.#work();
    });
  }

  /** Loads the model before it is needed. Errors as `run`. */
  async warm(): Promise<void> {
    await this.run({ ids: new Int32Array([101, 102]), lengths: new Int32Array([2]) });
  }

  close(): void {
    this.#closed = true;
    const error = new TierwiseError('closed', 'This embedder was closed.');
    for (const job of this.#queue.splice(0)) job.reject(error);
    this.#end();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    clearTimeout(this.#idle);
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      try {
        this.#engine ??= await this.#open();
        // Left, or closed, while the model was loaded.
        if (this.#closed || job.signal?.aborted === true) {
          job.reject(new AbortedError(undefined, job.signal?.reason));
          continue;
        }
        job.resolve(await this.#engine.run(job.batch));
      } catch (error) {
        this.#end();
        job.reject(
          TierwiseError.isInstance(error)
            ? error
            : new TierwiseError('embedding-failed', `The embedding could not be computed: ${textOf(error)}`, {
                cause: error,
              }),
        );
      }
    }
    this.#working = false;
    if (this.#closed) this.#end();
    else if (this.#engine !== undefined) this.#rest();
  }

  #rest(): void {
    this.#idle = setTimeout(() => this.#end(), this.#deps.idleMs);
    // Node would wait for it.
    (this.#idle as { unref?: () => void }).unref?.();
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#engine?.end();
    this.#engine = undefined;
  }

  async #open(): Promise<Engine> {
    const { files, batchMs } = this.#deps;
    for (;;) {
      const [make] = this.#workers;
      if (make === undefined) break;
      const worker = await started(make);
      if (worker !== undefined) return openInWorker(worker, await files(), batchMs);
      this.#workers.shift();
    }
    return openHere(await files());
  }
}

/** The session of this thread cannot be ended, and is made once. */
let here: Promise<OrtSession> | undefined;

async function openHere(files: TransformerFiles): Promise<Engine> {
  here ??= import('./ort-session.js').then(({ OrtSession }) => OrtSession.open({ ...files, threads: 1 }));
  try {
    const session = await here;
    return { run: (batch) => session.run(batch), end: () => undefined };
  } catch (cause) {
    here = undefined;
    throw new LoadError(`The embedding model could not be started: ${textOf(cause)}`, cause);
  }
}

/** ms. 20 KB are on their way; a script that is something else never says that it started. */
const startMs = 30_000;

/** Undefined where it does not start: what keeps it from doing so, keeps the next one too. */
function started(makeWorker: () => Worker): Promise<Worker | undefined> {
  return new Promise((resolve) => {
    let worker: Worker;
    try {
      worker = makeWorker();
    } catch {
      resolve(undefined);
      return;
    }
    const done = (found: Worker | undefined): void => {
      clearTimeout(late);
      if (found === undefined) worker.terminate();
      resolve(found);
    };
    const late = setTimeout(done, startMs);
    worker.onerror = (event) => {
      event.preventDefault();
      done(undefined);
    };
    worker.onmessage = () => done(worker);
  });
}

async function openInWorker(worker: Worker, files: TransformerFiles, batchMs: number): Promise<Engine> {
  let failed: (error: Error) => void = () => undefined;
  const ask = (message: ToWorker, transfer: Transferable[]): Promise<FromWorker> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => failed(new Error('its worker does not answer.')), batchMs);
      failed = (error) => {
        clearTimeout(late);
        reject(error);
      };
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        clearTimeout(late);
        if (data.type === 'failed') reject(new Error(data.message));
        else resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        failed(new Error(event.message));
      };
      worker.postMessage(message, transfer);
    });
  const life = `tierwise-minilm-${String(Math.random()).slice(2)}`;
  const mourning = new AbortController();
  const end = (): void => {
    mourning.abort();
    worker.terminate();
  };
  try {
    const { model, runtime } = files;
    await ask({ type: 'open', files, life }, [model.buffer, runtime.buffer]);
  } catch (cause) {
    end();
    throw new LoadError(`The embedding model could not be started: ${textOf(cause)}`, cause);
  }
  // Granted when the worker no longer holds it.
  (navigator as { locks?: LockManager }).locks
    ?.request(life, { signal: mourning.signal }, () => failed(new Error('its worker was ended.')))
    .catch(() => undefined);
  return {
    async run({ ids, lengths }) {
      const answer = await ask({ type: 'run', batch: { ids, lengths } }, []);
      if (answer.type !== 'vectors') throw new Error('its worker answered something else.');
      return answer.vectors;
    },
    end,
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
