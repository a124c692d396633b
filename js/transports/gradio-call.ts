/**
 * Gradio's simple protocol (4.21 and later): POST `/call/{api}`, GET `/call/{api}/{event}`. Every event carries the
 * complete outputs. It tells neither queue position nor progress, and up to 6.12 no error text, so it is only the
 * way round a queue that cannot be reached. Its JSON is Python's (bare NaN). The job's session is its event id.
 * (`/call/v2`, 6.13 and later, differs in taking names and filling in defaults; the values are all here already.)
 */
import type { Json } from '../types.js';
import { CallFailure } from './call-failure.js';
import { appFailure, cancelledFailure, lostFailure } from './gradio-failure.js';
import { startJob, stopJob, type GradioJob, type Started } from './gradio-job.js';
import { isList, isObject, parsePythonJson } from './json.js';

/** Resolves to the finished outputs. */
export async function runWithCall(job: GradioJob, apiName: string): Promise<readonly Json[]> {
  const path = `${job.api}/call/${apiName.split('/').map(encodeURIComponent).join('/')}`;
  const streamOf = (eventId: string) => `${path}/${encodeURIComponent(eventId)}`;
  let running = false;
  const stop = ({ eventId }: Started) => {
    if (eventId !== undefined) void stopJob(job, { eventId, session: eventId, stream: streamOf(eventId), running });
  };
  const started = await startJob(
    job,
    path,
    { data: [...job.data] },
    (answer) => {
      if (isObject(answer) && typeof answer['event_id'] === 'string') return { eventId: answer['event_id'] };
      throw new CallFailure({
        kind: 'protocol',
        message: 'The Space did not say which job it started.',
        body: JSON.stringify(answer).slice(0, 2000),
      });
    },
    stop,
  );
  let outputs: readonly Json[] | undefined;
  let failure: CallFailure | undefined;
  let broken: string | undefined;
  const fail = (found: CallFailure): 'stop' => {
    failure = found;
    return 'stop';
  };
  const hear = (event: string | undefined, data: string): 'stop' | undefined => {
    if (event === 'heartbeat') return undefined;
    let value: Json;
    try {
      if (broken !== undefined || event === 'body') throw new SyntaxError('not an event');
      value = parsePythonJson(data);
    } catch {
      // Only the last event of a stream that was cut may be broken.
      if (broken === undefined && event !== 'body') {
        broken = data;
        return undefined;
      }
      return fail(
        new CallFailure({
          kind: 'protocol',
          message: 'The Space sent something that is not Gradio’s.',
          body: (broken ?? data).slice(0, 2000),
        }),
      );
    }
    if (event === 'error') return fail(typeof value === 'string' ? lostFailure(value, false) : appFailure(value));
    if (event === 'complete') {
      if (!isList(value))
        return fail(isObject(value) && value['error'] !== undefined ? appFailure(value) : cancelledFailure());
      outputs = value;
      return 'stop';
    }
    running = true;
    if (event === 'generating' && isList(value)) job.reply.whole(value);
    return undefined;
  };
  try {
    await job.http.frames(
      streamOf(started.eventId ?? ''),
      { signal: job.handlers.signal, timeouts: job.handlers.timeouts },
      (frame) => hear(frame.event, frame.data),
    );
  } catch (error) {
    if (outputs === undefined && failure === undefined) {
      stop(started);
      throw error;
    }
  }
  if (failure !== undefined) throw failure;
  if (outputs !== undefined) return outputs;
  stop(started);
  throw new CallFailure({ kind: 'cut', message: 'The Space’s stream ended before the reply was complete.' });
}
