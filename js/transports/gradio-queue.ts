/**
 * Gradio's queue protocol (`sse_v1` to `sse_v3`, Gradio 4.10 to 6): POST `/queue/join`, then read the session's messages
 * from GET `/queue/data`. The stream is opened after the join was answered: before that the server refuses it, and
 * messages sent in between are kept and replayed. The finished outputs of `process_completed` win over everything
 * streamed; whatever happens to the connection after they arrived does not matter.
 * A job that is left unfinished, for whatever reason, is cancelled at the server.
 */
import type { Json, JsonObject } from '../types.js';
import { CallFailure } from './call-failure.js';
import { appFailure, cancelledFailure, lostFailure } from './gradio-failure.js';
import { startJob, stopJob, type GradioJob, type Started } from './gradio-job.js';
import { queueStatus } from './gradio-status.js';
import { isList, isObject, parsePythonJson } from './json.js';

/** Resolves to the finished outputs. */
export async function runInQueue(job: GradioJob): Promise<readonly Json[]> {
  const stream = `${job.api}/queue/data?session_hash=${encodeURIComponent(job.session)}`;
  const stop = ({ eventId }: Started, running: boolean) => {
    if (eventId !== undefined) void stopJob(job, { eventId, session: job.session, stream, running });
  };
  const started = await startJob(
    job,
    `${job.api}/queue/join`,
    { data: [...job.data], event_data: null, fn_index: job.dependency.id, trigger_id: null, session_hash: job.session },
    (answer) => ({
      eventId: isObject(answer) && typeof answer['event_id'] === 'string' ? answer['event_id'] : undefined,
    }),
    (late) => stop(late, false),
  );
  const listener = new QueueListener(job, started.eventId);
  try {
    await job.http.frames(stream, { signal: job.handlers.signal, timeouts: job.handlers.timeouts }, (frame, progress) =>
      listener.hear(frame.event, frame.data, progress),
    );
  } catch (failure) {
    // The server cuts some streams after the last word; what was said stands.
    if (!listener.ended) {
      stop(started, listener.running);
      throw failure;
    }
  }
  if (!listener.ended) stop(started, listener.running);
  return listener.result();
}

class QueueListener {
  readonly #job: GradioJob;
  readonly #eventId: string | undefined;
  #outputs: readonly Json[] | undefined;
  #failure: CallFailure | undefined;
  /** A frame that was no JSON: the last one of a stream that was cut. */
  #broken: string | undefined;
  #first = true;
  /** The server will say nothing more about this job. */
  ended = false;
  /** The job has left the queue. */
  running = false;

  constructor(job: GradioJob, eventId: string | undefined) {
    this.#job = job;
    this.#eventId = eventId;
  }

  hear(event: string | undefined, data: string, progress: () => void): 'stop' | undefined {
    if (this.#broken !== undefined || event === 'body') return this.#malformed(this.#broken ?? data);
    let message: Json;
    try {
      message = parsePythonJson(data);
    } catch {
      this.#broken = data;
      return undefined;
    }
    if (!isObject(message) || typeof message['msg'] !== 'string') return this.#malformed(data);
    const about = message['event_id'];
    if (typeof about === 'string' && this.#eventId !== undefined && about !== this.#eventId) return undefined;
    return this.#take(message, data.length, progress);
  }

  #take(message: JsonObject, size: number, progress: () => void): 'stop' | undefined {
    const { msg, output } = message;
    if (msg !== 'estimation' && msg !== 'heartbeat') this.running = true;
    switch (msg) {
      case 'process_generating':
      case 'process_streaming':
        if (message['success'] === false) return this.#fail(appFailure(output));
        if (isObject(output) && isList(output['data'])) {
          const edits = this.#job.diffs && !this.#first && msg === 'process_generating';
          this.#first = false;
          if (edits) this.#job.reply.edits(output['data'], size);
          else this.#job.reply.whole(output['data']);
        }
        return undefined;
      case 'process_completed':
        if (message['success'] === false) return this.#fail(appFailure(output));
        if (!isObject(output) || !isList(output['data'])) {
          return this.#fail(
            isObject(output) && output['error'] !== undefined ? appFailure(output) : cancelledFailure(),
          );
        }
        this.#outputs = output['data'];
        this.ended = true;
        return 'stop';
      case 'unexpected_error':
        return this.#fail(lostFailure(message['message'], message['session_not_found'] === true));
      case 'server_stopped':
        return this.#fail(lostFailure('The Space was stopped.', false));
      case 'queue_full':
        return this.#fail(
          new CallFailure({ kind: 'http', status: 503, headers: {}, body: '{"detail":"Queue is full."}' }),
        );
      case 'close_stream':
        return 'stop';
      case 'heartbeat':
        // Not progress, but a sign of life: the stall clock has started anew with its bytes.
        return undefined;
      default: {
        const status = queueStatus(message);
        if (status !== undefined) {
          progress();
          this.#job.handlers.onStatus(status);
        }
        return undefined;
      }
    }
  }

  result(): readonly Json[] {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#outputs !== undefined) return this.#outputs;
    throw new CallFailure({ kind: 'cut', message: 'The Space’s stream ended before the reply was complete.' });
  }

  #fail(failure: CallFailure): 'stop' {
    this.#failure = failure;
    this.ended = true;
    return 'stop';
  }

  #malformed(data: string): 'stop' {
    this.#failure = new CallFailure({
      kind: 'protocol',
      message: 'The Space’s queue sent something that is not a Gradio message.',
      body: data.slice(0, 2000),
    });
    return 'stop';
  }
}
