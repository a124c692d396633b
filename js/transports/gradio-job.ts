/**
 * One call of one Gradio function: what both protocols (queue and `/call`) need to start it, and to stop it for good.
 */
import type { Http } from '../http.js';
import type { Clock, Json } from '../types.js';
import { CallFailure } from './call-failure.js';
import type { GradioDependency } from './gradio-config.js';
import type { GradioReply } from './gradio-reply.js';
import type { CallHandlers } from './transport.js';

/** How long a job that nobody waits for any more is looked after, ms. */
const farewellMs = 8000;

export interface GradioJob {
  http: Http;
  clock: Clock;
  /** `{base}{api_prefix}`: where every path below starts. */
  api: string;
  headers: Record<string, string>;
  dependency: GradioDependency;
  data: readonly Json[];
  /** New for every job, so that no two streams share (and split) one session's messages. */
  session: string;
  /** Gradio sends edits after the first outputs (`sse_v2` and later). */
  diffs: boolean;
  reply: GradioReply;
  handlers: CallHandlers;
}

/** What the server answered when it took the job. */
export type Started = { eventId: string | undefined };

/**
 * Posts the job. The POST itself is not aborted with the caller: the server may have taken the job already, and only
 * its answer tells how to stop it. So an aborted caller leaves at once, and `stop` runs when the answer is there.
 */
export async function startJob(
  job: GradioJob,
  url: string,
  json: Json,
  read: (answer: unknown) => Started,
  stop: (started: Started) => void,
): Promise<Started> {
  const { signal } = job.handlers;
  if (signal.aborted) throw abortFailure(signal);
  const posting = new AbortController();
  const answer = job.http.json(url, { method: 'POST', json, headers: job.headers, signal: posting.signal }).then(read);
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      const cancelTimer = job.clock.after(farewellMs, () => posting.abort());
      answer.then(stop, () => undefined).finally(cancelTimer);
      reject(abortFailure(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function abortFailure(signal: AbortSignal): CallFailure {
  const reason: unknown = signal.reason;
  return reason instanceof CallFailure ? reason : new CallFailure({ kind: 'abort' });
}

/** Tells the server to stop a job; never throws, never waits for long. */
export async function cancelJob(job: GradioJob, eventId: string, session: string): Promise<void> {
  await farewell(job, (signal) =>
    job.http.text(`${job.api}/cancel`, {
      method: 'POST',
      json: { event_id: eventId, session_hash: session, fn_index: job.dependency.id },
      headers: job.headers,
      keepalive: true,
      signal,
    }),
  );
}

/**
 * Opens a job's stream and closes it at the first sign of life: Gradio 4 and 5 take a waiting job out of their queue
 * only when its reader leaves, so a job whose stream was never opened needs one.
 */
export async function leaveStream(job: GradioJob, url: string): Promise<void> {
  await farewell(job, (signal) => job.http.frames(url, { headers: job.headers, signal }, () => 'stop'));
}

async function farewell(job: GradioJob, run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const cancelTimer = job.clock.after(farewellMs, () => controller.abort());
  await run(controller.signal).catch(() => undefined);
  cancelTimer();
}
