/**
 * The explicit stand-in for tests and demos: streams its reply word by word, by the client's clock. Unless told what
 * to say it says that it is a mock; the client labels its replies `source: 'mock'` either way.
 */
import { sleep } from '../clock.js';
import type { Clock, MockProviderConfig } from '../types.js';
import { leaving } from '../unless-left.js';
import { CallFailure } from './call-failure.js';
import type { Connection } from './transport.js';

const defaultDelay = 15;
const echoed = 200;

export function mock(config: MockProviderConfig, clock: Clock): Connection {
  const delay = config.delayMs ?? defaultDelay;
  return {
    protocol: 'mock',
    base: 'mock:',
    async call({ messages }, { signal, onPart }) {
      if (signal.aborted) throw leaving(signal);
      const prompt = [...messages].reverse().find(({ role }) => role === 'user')?.content ?? '';
      const text = replyTo(config.reply, prompt, messages);
      for (const word of text.match(/\s*\S+|\s+$/gu) ?? []) {
        await sleep(clock, delay, signal).catch(() => {
          throw leaving(signal);
        });
        onPart({ type: 'text', text: word });
      }
      return { text, finish: 'stop', model: 'mock', via: 'mock' };
    },
  };
}

function replyTo(
  reply: MockProviderConfig['reply'],
  prompt: string,
  messages: Parameters<Connection['call']>[0]['messages'],
): string {
  if (typeof reply === 'string') return reply;
  if (reply === undefined) {
    const shown = prompt.length > echoed ? `${prompt.slice(0, echoed)}…` : prompt;
    return `This is a mock reply: no model was called. You asked: “${shown}”`;
  }
  try {
    const given: unknown = reply(prompt, messages);
    if (typeof given === 'string') return given;
    throw new TypeError(`it must return a string, not ${typeof given}.`);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new CallFailure({ kind: 'app', message: `The reply function of the mock provider failed: ${said}` }, cause);
  }
}
