/**
 * Which paths of a target are open, by protocol; the paths that the transports of the package use. Compared as the server
 * will see them: percent escapes undone, with no way to step out of a segment.
 */
import { Refusal } from '../_shared/answer.ts';
import type { Target } from '../_shared/targets.ts';

type Open = Partial<Record<string, RegExp>>;
/** To find out what a Space speaks, and to wake it. */
const asked = 'config|info|health|v1/models|';
const chat = 'v1/chat/completions|v1/completions|v1/embeddings';
const protocols: Record<string, Open> = {
  gradio: {
    GET: new RegExp(`^(?:${asked}|(?:gradio_api/)?(?:info|queue/data|call/[^?]+|file=[^?]+))$`),
    POST: /^(?:gradio_api\/)?(?:queue\/join|cancel|reset|upload|(?:call|run|api)\/[^?]+)$/,
  },
  tgi: {
    GET: new RegExp(`^(?:${asked})$`),
    POST: new RegExp(
      `^(?:|generate|generate_stream|tokenize|chat_tokenize|embed|embed_all|rerank|predict|similarity|${chat})$`,
    ),
  },
  openai: {
    GET: new RegExp(`^(?:${asked}|v1/models/[\\w./:-]+)$`),
    POST: new RegExp(`^(?:${chat}|v1/responses|tokenize)$`),
  },
  'llama.cpp': {
    GET: new RegExp(`^(?:${asked}|props)$`),
    POST: new RegExp(`^(?:completion|tokenize|apply-template|${chat})$`),
  },
  plain: { GET: new RegExp(`^(?:${asked})$`), POST: /^api\/generate$/ },
};
const provider: Open = {
  GET: /^v1\/models(?:\/[\w./:-]+)?$/,
  POST: /^v1\/(?:chat\/completions|completions|embeddings|responses)$/,
};

/** The path as it goes on, without a slash at its beginning. Throws 403 when it is not open. */
export function safePath(path: string, method: string, { space }: Target): string {
  const plain = undone(path);
  const open =
    space === undefined
      ? [provider]
      : space.protocol === 'auto'
        ? Object.values(protocols)
        : [protocols[space.protocol] ?? {}];
  const own = method === 'POST' && space !== undefined && `/${plain}` === space.endpoint;
  if (plain === undefined || !(own || open.some((paths) => paths[method]?.test(plain) === true)))
    throw new Refusal(403, 'path-not-allowed', 'This path of the target is not open.');
  return path;
}

/** Undefined: it could mean another path to the server than to us. */
function undone(path: string): string | undefined {
  if (path.length > 2048 || !/^[\w.~!$&'()*+,;=:@%/-]*$/.test(path)) return undefined;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    let text: string;
    try {
      text = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
    // A second round of escapes, a slash inside a segment, a step up, what ends a line.
    // eslint-disable-next-line no-control-regex
    if (/%[0-9a-f]{2}|[/\\?#;\x00-\x1f\x7f]/i.test(text) || /^\.{1,2}$/.test(text)) return undefined;
    if (text === '' && path !== '') return undefined;
    segments.push(text);
  }
  return segments.join('/');
}
