/**
 * Step 1, for requests with a context: its facts become a block of the system message that the text inside cannot close
 * (wasm/prompt/context_block.h), and what in it may be meant for the model rather than for people is marked, taken out or
 * refused (wasm/safety/marks.h).
 */
import type { Core } from '../core.js';
import { LoadError } from '../errors.js';
import type { TraceRecorder } from '../trace.js';
import type { JsonObject, Message, PromptsConfig, Warning } from '../types.js';

/** Cores that know the phrases. */
const told = new WeakSet<Core>();

/** Throws `RequestError` `marked-text` for the policy `refuse`, `LoadError` where `strip` or `refuse` cannot be done. */
export async function withFacts(
  messages: readonly Message[],
  facts: JsonObject,
  { injection = 'mark' }: PromptsConfig,
  core: Core,
  trace: TraceRecorder,
  warn: (warning: Warning) => void,
): Promise<readonly Message[]> {
  const record = trace.begin('context');
  let block = core.contextBlock(facts);
  if (block === '') return messages;
  let marks: readonly { kind: string; reason: string; count: number }[] = [];
  if (injection !== false) {
    try {
      await learnPhrases(core);
      const marked = core.mark({ texts: [{ field: 'context', text: block }], policy: injection });
      block = marked.texts[0]!;
      ({ marks } = marked);
    } catch (error) {
      if (injection !== 'mark' || !(error instanceof LoadError)) throw error;
      warn({
        code: 'injection-unchecked',
        message: `The context could not be looked through: ${error.message}`,
        cause: error,
      });
    }
  }
  if (marks.length > 0) {
    const what = marks
      .map(({ reason, count }) => (count > 1 ? `${reason} (${String(count)} times)` : reason))
      .join('; ');
    const message = `The context holds what may be meant for the model and not for people: ${what}.`;
    record('done', message, { marks: marks.map((mark) => ({ ...mark })), policy: injection });
    warn({ code: 'injection-marks', message });
  } else record('done', 'The context is told to the model as data.');
  const [first] = messages;
  return first?.role === 'system'
    ? [{ role: 'system', content: `${first.content}\n\n${block}` }, ...messages.slice(1)]
    : [{ role: 'system', content: block }, ...messages];
}

async function learnPhrases(core: Core): Promise<void> {
  if (told.has(core)) return;
  const [{ default: phrases }] = await Promise.all([import('../../models/injection.json'), core.loadPrompts()]);
  core.phrases(phrases);
  told.add(core);
}
