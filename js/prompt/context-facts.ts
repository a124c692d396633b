/**
 * Step 1, for requests with a context or documents: the facts of the context become a block of the system message that the
 * text inside cannot close (wasm/prompt/context_block.h), and what in it and in the documents may be meant for the model
 * rather than for people is marked, taken out or refused (wasm/safety/marks.h).
 */
import type { Core } from '../core.js';
import { LoadError } from '../errors.js';
import type { TraceRecorder } from '../trace.js';
import type { ModelRequest } from '../transports/transport.js';
import type { JsonObject, Message, PromptsConfig, Warning } from '../types.js';

type Texts = { field: string; text: string }[];

/** Cores that know the phrases. */
const told = new WeakSet<Core>();

/** Throws `RequestError` `marked-text` for the policy `refuse`, `LoadError` where `strip` or `refuse` cannot be done. */
export async function withFacts(
  request: ModelRequest,
  facts: JsonObject | undefined,
  { injection = 'mark' }: PromptsConfig,
  core: Core,
  trace: TraceRecorder,
  warn: (warning: Warning) => void,
): Promise<ModelRequest> {
  const record = trace.begin('context');
  const block = facts === undefined ? '' : core.contextBlock(facts);
  const texts: Texts = [
    ...(block === '' ? [] : [{ field: 'context', text: block }]),
    ...(request.documents ?? []).flatMap((document, i) => textsOf(document, `documents[${String(i)}]`)),
  ];
  if (texts.length === 0) return request;
  let clean = texts.map(({ text }) => text);
  let because = 'Context and documents are told to the model as data.';
  let details: JsonObject | undefined;
  if (injection !== false) {
    try {
      await learnPhrases(core);
      const marked = core.mark({ texts, policy: injection });
      clean = marked.texts;
      const { marks } = marked;
      if (marks.length > 0) {
        const what = marks.map(
          ({ field, reason, count }) => `${field}: ${reason}${count > 1 ? ` (${String(count)} times)` : ''}`,
        );
        const named = what.slice(0, mostNamed).concat(what.length > mostNamed ? '…' : []);
        because = `What may be meant for the model and not for people was found in ${named.join('; ')}.`;
        details = { marks: marks.map((mark) => ({ ...mark })), policy: injection };
        warn({ code: 'injection-marks', message: because });
      }
    } catch (error) {
      if (injection !== 'mark' || !(error instanceof LoadError)) throw error;
      warn({
        code: 'injection-unchecked',
        message: `The context could not be looked through: ${error.message}`,
        cause: error,
      });
    }
  }
  record('done', because, details);
  let next = block === '' ? 0 : 1;
  const documents = request.documents?.map((document) =>
    Object.fromEntries(
      Object.entries(document).map(([name, value]) => [name, typeof value === 'string' ? clean[next++]! : value]),
    ),
  );
  return {
    ...request,
    ...(block !== '' && { messages: withBlock(request.messages, clean[0]!), contextBlock: clean[0]! }),
    ...(documents && { documents }),
  };
}

const mostNamed = 10;

function withBlock(messages: readonly Message[], block: string): Message[] {
  const [first] = messages;
  return first?.role === 'system'
    ? [{ role: 'system', content: `${first.content}\n\n${block}` }, ...messages.slice(1)]
    : [{ role: 'system', content: block }, ...messages];
}

function textsOf(document: JsonObject, field: string): Texts {
  return Object.entries(document).flatMap(([name, text]) =>
    typeof text === 'string' ? [{ field: `${field}.${name}`, text }] : [],
  );
}

async function learnPhrases(core: Core): Promise<void> {
  if (told.has(core)) return;
  const [{ default: phrases }] = await Promise.all([import('../../models/injection.json'), core.loadPrompts()]);
  core.phrases(phrases);
  told.add(core);
}
