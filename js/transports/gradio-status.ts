/** Gradio's queue messages (estimation, process_starts, progress, log) in words a person can read. */
import { redact } from '../redact.js';
import { preview } from '../text.js';
import type { Json, JsonObject, SpaceStatus } from '../types.js';
import { isList, isObject } from './json.js';

const longestText = 300;

type Status = Omit<SpaceStatus, 'target' | 'tier'>;

/** Undefined for messages that say nothing about the state. */
export function queueStatus(message: JsonObject): Status | undefined {
  switch (message['msg']) {
    case 'estimation':
      return queued(message);
    case 'process_starts': {
      const eta = seconds(message['eta']);
      return {
        state: 'working',
        message: `The Space is working on it${about(eta)}.`,
        ...(eta !== undefined && { etaSeconds: eta }),
      };
    }
    case 'progress':
      return progressed(message['progress_data']);
    case 'log':
      return logged(message);
    default:
      return undefined;
  }
}

function queued(message: JsonObject): Status {
  const position = number(message['rank']);
  const eta = seconds(message['rank_eta']);
  const ahead =
    position === undefined
      ? 'Waiting in the Space’s queue'
      : position === 0
        ? 'Next in the Space’s queue'
        : `${String(position)} ${position === 1 ? 'request' : 'requests'} ahead in the Space’s queue`;
  return {
    state: 'queued',
    message: `${ahead}${about(eta)}.`,
    ...(position !== undefined && { position }),
    ...(eta !== undefined && { etaSeconds: eta }),
  };
}

/** Progress bars may be nested: the innermost is the last that counts something. */
function progressed(data: Json | undefined): Status | undefined {
  const bars = isList(data) ? data.filter(isObject) : [];
  const counts = (entry: JsonObject) => number(entry['index']) !== undefined || number(entry['progress']) !== undefined;
  const bar = [...bars].reverse().find(counts) ?? bars.at(-1);
  if (bar === undefined) return undefined;
  const label = text(bar['desc']);
  const unit = text(bar['unit']);
  const lead = label === undefined ? '' : `${label}: `;
  const value = number(bar['index']);
  if (value !== undefined) {
    const of = number(bar['length']);
    const words = `${lead}${String(value)}${of === undefined ? '' : ` of ${String(of)}`}${unit === undefined ? '' : ` ${unit}`}`;
    return {
      state: 'working',
      message: `${words}.`,
      progress: {
        value,
        ...(of !== undefined && { of }),
        ...(unit !== undefined && { unit }),
        ...(label !== undefined && { label }),
      },
    };
  }
  const share = number(bar['progress']);
  if (share !== undefined) {
    return {
      state: 'working',
      message: `${lead}${String(Math.round(share * 100))} %.`,
      progress: { value: share, of: 1, ...(label !== undefined && { label }) },
    };
  }
  return label === undefined ? undefined : { state: 'working', message: `${label}.` };
}

function logged(message: JsonObject): Status | undefined {
  const said = text(message['log']);
  if (said === undefined) return undefined;
  const warns = message['level'] === 'warning';
  return { state: 'working', message: `The Space ${warns ? 'warns' : 'says'}: ${said}` };
}

/** JSON can say 1e999. */
function number(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function seconds(value: Json | undefined): number | undefined {
  const given = number(value);
  return given !== undefined && given >= 0 ? given : undefined;
}

function about(eta: number | undefined): string {
  if (eta === undefined || eta < 1) return '';
  return eta < 90 ? `, about ${String(Math.round(eta))} s` : `, about ${String(Math.round(eta / 60))} min`;
}

/** An app's own words: not longer than a person reads, and without what looks like a key. */
function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? preview(redact(value.trim()), longestText) : undefined;
}
