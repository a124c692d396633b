/**
 * The transformer behind a queue: one session, in a worker of its own where there are workers (else on this thread),
 * loaded at the latest with the first batch, one batch after the other; a job can be left while it waits. The worker is ended, and
 * its memory given back, after a while without work; a worker that dies fails the job it had and is made anew.
 */
import { AbortedError, LoadError, TierwiseError } from '../errors.js';
import { embedderClosed } from './embedder.js';
import { keepSoon } from './kept-files.js';
import type { ReadModelFile } from './model-files.js';
import type { OrtSession, TokenBatch } from './ort-session.js';
import type { FromWorker, ToWorker } from './transformer-worker.js';

export interface TransformerFiles {
  model: Promise<ReadModelFile>;
  runtime: Promise<ReadModelFile>;
  /** More than one only where the page is cross-origin isolated. */
  threads: number;
}
export interface TransformerDeps {
  /** Reads the files, which are given away; called anew for each session. Their failures need not be waited for. */
  files: () => TransformerFiles;
  /** Ways to make a worker, tried one after the other. None: this thread. */
  workers: readonly (() => Worker)[];
  /** ms without work after which a worker is ended. */
  idleMs: number;
  /** ms one batch may take before its worker is taken for dead. */
  batchMs: number;
}
interface Job {
  batch: TokenBatch;
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
    if (this.#closed) return Promise.reject(embedderClosed());
    if (signal?.aborted === true) return Promise.reject(new AbortedError(undefined, signal.reason));
    let leave: () => void;
    return new Promise<Float32Array>((resolve, reject) => {
      const job: Job = { batch, resolve, reject };
      leave = () => {
        const at = this.#queue.indexOf(job);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(new AbortedError(undefined, signal?.reason));
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#queue.push(job);
      void this.#work();
    }).finally(() => signal?.removeEventListener('abort', leave));
  }

  /** The model is loaded while the first batch is made. What fails is told to a batch that came meanwhile. */
  begin(): void {
    if (!this.#closed) void this.#work();
  }

  /** Loads the model before it is needed. Errors as `run`. */
  async warm(): Promise<void> {
    await this.run({ ids: Int32Array.of(101, 102), lengths: Int32Array.of(2) });
  }

  close(): void {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.reject(embedderClosed());
    this.#end();
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    clearTimeout(this.#idle);
    do {
      let job: Job | undefined;
      try {
        this.#engine ??= await this.#open();
        job = this.#queue.shift();
        job?.resolve(await this.#engine.run(job.batch));
      } catch (error) {
        this.#end();
        job ??= this.#queue.shift();
        job?.reject(
          TierwiseError.isInstance(error)
            ? error
            : new TierwiseError('embedding-failed', `The embedding could not be computed: ${textOf(error)}`, {
                cause: error,
              }),
        );
      }
    } while (this.#queue.length > 0);
    this.#working = false;
    if (this.#closed) this.#end();
    else if (this.#engine !== undefined) {
      this.#idle = setTimeout(() => this.#end(), this.#deps.idleMs);
      // Node would wait for it.
      (this.#idle as { unref?: () => void }).unref?.();
    }
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#engine?.end();
    this.#engine = undefined;
  }

  async #open(): Promise<Engine> {
    const { files: read, batchMs } = this.#deps;
    const files = read();
    for (let make; (make = this.#workers[0]) !== undefined; this.#workers.shift()) {
      const worker = await started(make);
      if (worker !== undefined) return openInWorker(worker, files, batchMs);
    }
    return openHere(files);
  }
}

/** The session of this thread cannot be ended, and is made once. */
let here: Promise<OrtSession> | undefined;

async function openHere(files: TransformerFiles): Promise<Engine> {
  const model = await files.model;
  const runtime = await files.runtime;
  await Promise.all([model.checked, runtime.checked]);
  here ??= import('./ort-session.js').then(({ OrtSession, useRuntime }) => {
    useRuntime(runtime.content.bytes, 1);
    return OrtSession.open(model.content.bytes);
  });
  try {
    const session = await here;
    keepSoon([runtime.content, model.content]);
    return { run: (batch) => session.run(batch), end: () => undefined };
  } catch (cause) {
    here = undefined;
    throw notStarted(cause);
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
  let dead: Error | undefined;
  let refuse: ((error: Error) => void) | undefined;
  const failed = (error: Error): void => {
    dead = error;
    refuse?.(error);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    failed(new Error(event.message));
  };
  const ask = (message: ToWorker, transfer: Transferable[]): Promise<Float32Array | undefined> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => failed(new Error('its worker does not answer.')), batchMs);
      refuse = (error) => {
        clearTimeout(late);
        reject(error);
      };
      if (dead !== undefined) refuse(dead);
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        clearTimeout(late);
        if (data.type === 'failed') reject(new Error(data.message));
        else resolve(data.vectors);
      };
      worker.postMessage(message, transfer);
    });
  const life = `tierwise-minilm-${String(Math.random()).slice(2)}`;
  const mourning = new AbortController();
  const end = (): void => {
    mourning.abort();
    worker.terminate();
    // Who waits for a batch; else nobody.
    failed(embedderClosed());
  };
  try {
    const { content: runtime, checked } = await files.runtime;
    await checked;
    const start: ToWorker = { type: 'start', runtime, threads: files.threads, life };
    worker.postMessage(start, [runtime.bytes.buffer]);
    const model = await files.model;
    try {
      await ask({ type: 'open', model: model.content }, [model.content.bytes.buffer]);
    } finally {
      await model.checked;
    }
  } catch (cause) {
    end();
    // Where both files are missing, the model is told of.
    await files.model;
    throw notStarted(cause);
  }
  // Granted when the worker no longer holds it.
  (navigator as { locks?: LockManager }).locks
    ?.request(life, { signal: mourning.signal }, () => failed(new Error('its worker was ended.')))
    .catch(() => undefined);
  return {
    run: async ({ ids, lengths }) => (await ask({ type: 'run', batch: { ids, lengths } }, []))!,
    end,
  };
}

function notStarted(cause: unknown): TierwiseError {
  if (TierwiseError.isInstance(cause)) return cause;
  return new LoadError(`The embedding model could not be started: ${textOf(cause)}`, cause);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
