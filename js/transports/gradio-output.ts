/**
 * The outputs of a Gradio function as text and files.
 *
 * Text: the chatbot's, else the first output that is made of text (Textbox, Markdown, JSON, Label…) and is not empty.
 * Of a chatbot it is what the assistant said after the last user message, in either format (`tuples`: [user, bot]
 * pairs; `messages`: {role, content} with text or a list of parts); steps marked with `metadata.title` (tool calls,
 * thoughts) are left out while there is anything else. Of JSON it is the field that names the reply
 * (`generated_text`, `text`, `response`…), else the JSON itself.
 * Files: every FileData in any output, also inside chat messages. Their address is the `url` the server gave, or
 * `{base}{prefix}/file={path}`; nothing is ever added to it, and nothing here fetches it.
 */
import type { Json, JsonObject, ReplyFile } from '../types.js';
import type { GradioComponent } from './gradio-config.js';
import { isList, isObject } from './json.js';

const maxDepth = 12;
const maxFiles = 100;

/** Output types that are text by nature, preferred first. */
const textRank = [
  ['chatbot'],
  ['textbox', 'text', 'markdown', 'code', 'html', 'json', 'api', 'unknown', 'highlightedtext', 'multimodaltextbox'],
  ['label', 'number', 'dataframe', 'checkbox', 'radio', 'dropdown', 'slider'],
];

/** Which output is read for text while the reply streams; undefined: none is text. */
export function textOutput(outputs: readonly GradioComponent[]): number | undefined {
  const [first] = byRank(outputs);
  return first;
}

function byRank(outputs: readonly GradioComponent[]): number[] {
  return textRank.flatMap((types) =>
    outputs.flatMap((output, place) => (!output.hidden && types.includes(output.type) ? [place] : [])),
  );
}

/** The text of one output. Undefined: the function left this output as it was (`gr.update()`, `gr.skip()`). */
export function outputText(output: GradioComponent | undefined, value: Json | undefined): string | undefined {
  const given = updatedValue(value);
  if (given === undefined) return undefined;
  switch (output?.type) {
    case 'chatbot':
      return chatText(given);
    case 'label':
      return isObject(given) ? asText(given['label'] ?? null) : asText(given);
    case 'dataframe':
      return tableText(given);
    case 'highlightedtext':
      return isList(given)
        ? given
            .map((part) => (isObject(part) ? asText(part['token'] ?? '') : isList(part) ? asText(part[0] ?? '') : ''))
            .join('')
        : asText(given);
    default:
      return jsonText(given, 0);
  }
}

/** The text of finished outputs: the preferred output's, or of the next one that has any. */
export function finalText(outputs: readonly GradioComponent[], values: readonly Json[]): string | undefined {
  let text: string | undefined;
  for (const place of byRank(outputs)) {
    const found = outputText(outputs[place], values[place]);
    if (found !== undefined && found !== '') return found;
    text ??= found;
  }
  return text;
}

export function outputFiles(
  outputs: readonly GradioComponent[],
  values: readonly Json[],
  fileBase: string,
): ReplyFile[] {
  const files: ReplyFile[] = [];
  values.forEach((value, place) => {
    if (outputs[place]?.hidden !== true) collectFiles(updatedValue(value) ?? null, fileBase, files, 0);
  });
  const seen = new Set<string>();
  return files.filter(({ url }) => !seen.has(url) && seen.add(url));
}

/** `gr.update(value=…)` wraps a value; without one it changes only how the output looks. */
function updatedValue(value: Json | undefined): Json | undefined {
  if (!isObject(value) || value['__type__'] !== 'update') return value;
  return value['value'];
}

function chatText(value: Json): string {
  if (!isList(value)) return jsonText(value, 0);
  const last = value.at(-1);
  if (isList(last)) return contentText(last[1] ?? null);
  const said: { text: string; aside: boolean }[] = [];
  for (let index = value.length - 1; index >= 0; index -= 1) {
    const message = value[index];
    if (!isObject(message) || message['role'] === 'user') break;
    if (message['role'] !== 'assistant') continue;
    const metadata = message['metadata'];
    const aside = isObject(metadata) && typeof metadata['title'] === 'string' && metadata['title'] !== '';
    said.unshift({ text: contentText(message['content'] ?? null), aside });
  }
  const answers = said.filter(({ aside }) => !aside);
  return (answers.length > 0 ? answers : said)
    .map(({ text }) => text)
    .filter((text) => text !== '')
    .join('\n\n');
}

/** A message's content: text, a list of parts, or a file (which has no text). */
function contentText(content: Json): string {
  if (typeof content === 'string') return content;
  if (isList(content))
    return content
      .map(contentText)
      .filter((text) => text !== '')
      .join('\n');
  if (isObject(content) && typeof content['text'] === 'string') return content['text'];
  if (isObject(content) && content['component'] !== undefined) {
    const inner = content['value'] ?? null;
    return typeof inner === 'string' ? inner : '';
  }
  return '';
}

const replyFields = [
  'generated_text',
  'response',
  'reply',
  'answer',
  'text',
  'output',
  'completion',
  'content',
  'message',
  'result',
  'choices',
];

function jsonText(value: Json, depth: number): string {
  if (depth < maxDepth) {
    if (isFile(value)) return '';
    if (isList(value)) {
      const last = value.at(-1);
      if (isObject(last) && typeof last['role'] === 'string' && 'content' in last) return chatText(value);
      const [first] = value;
      if (value.length === 1 && isObject(first) && replyFields.some((field) => field in first))
        return jsonText(first, depth + 1);
      if (value.length > 0 && value.every((entry) => isFile(entry))) return '';
    }
    if (isObject(value)) {
      for (const field of replyFields) {
        const inner = value[field];
        if (typeof inner === 'string') return inner;
        if (
          isList(inner) ? field === 'choices' || field === 'generated_text' || field === 'content' : isObject(inner)
        ) {
          return field === 'content' ? contentText(inner ?? null) : jsonText(inner ?? null, depth + 1);
        }
      }
    }
  }
  return asText(value);
}

function asText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A Markdown table; anything else as JSON. */
function tableText(value: Json): string {
  if (!isObject(value) || !isList(value['headers']) || !isList(value['data'])) return asText(value);
  const row = (cells: Json[]) =>
    `| ${cells.map((cell) => asText(cell).replace(/\|/g, '\\|').replace(/\r?\n/g, ' ')).join(' | ')} |`;
  const rows = value['data'].flatMap((cells) => (isList(cells) ? [row(cells)] : []));
  return [row(value['headers']), row(value['headers'].map(() => '---')), ...rows].join('\n');
}

/** FileData of Gradio 4 and later, or a file of Gradio 3 (`{name, is_file: true}`). */
function isFile(value: Json | undefined): value is JsonObject {
  if (!isObject(value)) return false;
  const { meta } = value;
  if (isObject(meta) && meta['_type'] === 'gradio.FileData') return true;
  if (typeof value['path'] === 'string') return 'url' in value || 'orig_name' in value || 'mime_type' in value;
  return value['is_file'] === true && typeof value['name'] === 'string';
}

function collectFiles(value: Json, fileBase: string, files: ReplyFile[], depth: number): void {
  if (depth > maxDepth || files.length >= maxFiles) return;
  if (isFile(value)) {
    const file = fileReply(value, fileBase);
    if (file !== undefined) files.push(file);
  } else if (isList(value)) {
    for (const entry of value) collectFiles(entry, fileBase, files, depth + 1);
  } else if (isObject(value)) {
    for (const entry of Object.values(value)) if (entry !== undefined) collectFiles(entry, fileBase, files, depth + 1);
  }
}

function fileReply(value: JsonObject, fileBase: string): ReplyFile | undefined {
  const path =
    typeof value['path'] === 'string' ? value['path'] : typeof value['name'] === 'string' ? value['name'] : '';
  const url = fileUrl(typeof value['url'] === 'string' ? value['url'] : '', path, fileBase);
  if (url === undefined) return undefined;
  const name = typeof value['orig_name'] === 'string' ? value['orig_name'] : path.split(/[\\/]/).at(-1);
  return {
    url,
    ...(name !== undefined && name !== '' && { name }),
    ...(typeof value['mime_type'] === 'string' && { mimeType: value['mime_type'] }),
    ...(typeof value['size'] === 'number' && { size: value['size'] }),
  };
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

/** Only addresses that can be shown safely: http, https, and data of media. */
function fileUrl(url: string, path: string, fileBase: string): string | undefined {
  const given = url !== '' ? url : /^https?:\/\//i.test(path) ? path : '';
  if (given === '') {
    return path === '' ? undefined : `${fileBase}/file=${path.split('/').map(encodeURIComponent).join('/')}`;
  }
  try {
    const absolute = new URL(given, `${fileBase}/`);
    // 4.44 gets its own address wrong on `/call` (".../c/file=…"): a file of this server is where its files are.
    const own =
      path !== '' && absolute.origin === new URL(fileBase).origin && decoded(absolute.href).endsWith(`/file=${path}`);
    if (own) return fileUrl('', path, fileBase);
    if (absolute.protocol === 'data:') return /^data:(image\/|audio\/|video\/)/i.test(given) ? given : undefined;
    return absolute.protocol === 'http:' || absolute.protocol === 'https:' ? absolute.href : undefined;
  } catch {
    return undefined;
  }
}
