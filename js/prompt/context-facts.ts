/**
 * Step 1, for requests with a context or documents: the facts of the context become a block of the system message that the
 * text inside cannot close (wasm/prompt/context_block.h), and what in it and in the documents may be meant for the model
 * rather than for people is marked, taken out or refused (wasm/safety/marks.h).
 */
import type { Core } from '../core.js';
import { LoadError, RequestError } from '../errors.js';
import type { TraceRecorder } from '../trace.js';
import { isList } from '../transports/json.js';
import type { ModelRequest } from '../transports/transport.js';
import type { Json, JsonObject, Message, PromptsConfig, Warning } from '../types.js';

type Texts = { field: string; text: string }[];

/** Cores that know the phrases. */
const told = new WeakSet<Core>();

/**
 * Throws `RequestError`: `marked-text` for the policy `refuse`, `too-deep` for documents of more than 64 levels; `LoadError`
 * where `strip` or `refuse` cannot be done.
 */
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
  const documents = request.documents?.map((document) => mapTexts(document, () => clean[next++]!) as JsonObject);
  return {
    ...request,
    ...(block !== '' && { messages: withBlock(request.messages, clean[0]!), contextBlock: clean[0]! }),
    ...(documents && { documents }),
  };
}

const mostNamed = 10;
/** Of a document. */
const mostLevels = 64;

function withBlock(messages: readonly Message[], block: string): Message[] {
  const [first] = messages;
  return first?.role === 'system'
    ? [{ role: 'system', content: `${first.content}\n\n${block}` }, ...messages.slice(1)]
    : [{ role: 'system', content: block }, ...messages];
}

/** At every depth; a text deeper in has the field of the member it is in. */
function textsOf(document: JsonObject, field: string): Texts {
  const texts: Texts = [];
  for (const [name, value] of Object.entries(document)) {
    const note = (text: string) => {
      texts.push({ field: `${field}.${name}`, text });
      return text;
    };
    mapTexts(value, note, 2);
  }
  return texts;
}

/** With other texts, which are asked for in their order. */
function mapTexts(value: Json | undefined, change: (text: string) => string, depth = 1): Json | undefined {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > mostLevels)
    throw new RequestError('too-deep', `documents: nest deeper than ${String(mostLevels)} levels.`, 'documents');
  if (isList(value)) return value.map((one) => mapTexts(one, change, depth + 1) ?? null);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapTexts(one, change, depth + 1)]));
}

async function learnPhrases(core: Core): Promise<void> {
  if (told.has(core)) return;
  const [{ default: phrases }] = await Promise.all([import('../../models/injection.json'), core.loadPrompts()]);
  core.phrases(phrases);
  told.add(core);
}
