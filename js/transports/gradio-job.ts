/**
 * One call of one Gradio function: what both protocols (queue and `/call`) need to start it, and to stop it for good.
 */
import type { Http } from '../http.js';
import type { Clock, Json } from '../types.js';
import { leaving } from '../unless-left.js';
import type { GradioDependency } from './gradio-config.js';
import type { GradioReply } from './gradio-reply.js';
import type { CallHandlers } from './transport.js';

/** How long a job that nobody waits for any more is looked after, ms. */
const farewellMs = 8000;
/** Long enough for a server to have sent all it had to say about a waiting job, ms. */
const quietMs = 500;
/** Long enough for a server to notice that a reader has left, ms. */
const noticeMs = 300;

export interface GradioJob {
  http: Http;
  clock: Clock;
  /** `{base}{api_prefix}`: where every path below starts. */
  api: string;
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
  if (signal.aborted) throw leaving(signal);
  const posting = new AbortController();
  const answer = job.http.json(url, { method: 'POST', json, signal: posting.signal }).then(read);
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      const cancelTimer = job.clock.after(farewellMs, () => posting.abort());
      answer.then(stop, () => undefined).finally(cancelTimer);
      reject(leaving(signal));
    };
    // The abort may have come while the request was made.
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Makes the server stop a job that was left; never throws, and nobody waits for it.
 *
 * Gradio ends a running job on POST `/cancel`. A waiting one is taken out of the queue when its reader leaves: 4 and 5
 * do it only then, only if they are not just sending it something, and not any more once `/cancel` was heard. So a
 * stream is opened (again), left in a quiet moment, and `/cancel` follows, for a job that has started since.
 */
export async function stopJob(
  job: GradioJob,
  place: { eventId: string; session: string; stream: string; running: boolean },
): Promise<void> {
  const { eventId, session, stream } = place;
  if (!place.running) {
    await farewell(job, quietMs, (signal) => job.http.frames(stream, { signal }, () => undefined));
    await new Promise<void>((resolve) => job.clock.after(noticeMs, resolve));
  }
  await farewell(job, farewellMs, (signal) =>
    job.http.text(`${job.api}/cancel`, {
      method: 'POST',
      json: { event_id: eventId, session_hash: session, fn_index: job.dependency.id },

      keepalive: true,
      signal,
    }),
  );
}

async function farewell(job: GradioJob, ms: number, run: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const cancelTimer = job.clock.after(ms, () => controller.abort());
  await run(controller.signal).catch(() => undefined);
  cancelTimer();
}
