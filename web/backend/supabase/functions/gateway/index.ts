/**
 * `/functions/v1/gateway/{target}/{path}`: what `proxyUrl` of a page points at. Hands a call on to the configured address of
 * the target with its key, and the answer back as it comes, streams too. Only paths of the target's protocol (paths.ts) and
 * a few headers either way pass. An answer carries `x-tierwise-from: upstream`; without it, it is the gateway's own error.
 */
import { Refusal } from '../_shared/answer.ts';
import { readBody } from '../_shared/body.ts';
import { take } from '../_shared/database.ts';
import { type Call, endpoint } from '../_shared/endpoint.ts';
import { configurationOf, targetOf } from '../_shared/targets.ts';
import { call } from '../_shared/upstream.ts';
import { safePath } from './paths.ts';

const kMostBytes = 10_485_760;
const kMostQuery = 4096;
const sentOn = ['accept', 'content-type', 'last-event-id', 'x-gradio-user'];
const handedBack =
  /^(content-type|cache-control|retry-after|ratelimit(-policy)?|x-ratelimit-[\w-]+|x-error-(code|message)|x-compute-[\w-]+)$/;

export default { fetch: endpoint('gateway', { GET: pass, POST: pass }) };

async function pass({ request, caller, company, path, query, timeoutMs }: Call): Promise<Response> {
  const [name = '', ...rest] = path.split('/');
  await take(caller, 'gateway', company);
  const configuration = await configurationOf(caller, company);
  const target = await targetOf(configuration, name, request.signal);
  const wanted = safePath(rest.join('/'), request.method, target);
  if (target.space === undefined && target.key === undefined)
    throw new Refusal(503, 'no-key', 'No key is kept for this target: an administrator has to put one.');
  const search = query.toString();
  if (search.length > kMostQuery) throw new Refusal(414, 'too-large', 'The query is too long.');
  const url = new URL(`${target.base}/${wanted}${search === '' ? '' : `?${search}`}`);
  if (!url.href.startsWith(`${target.base}/`)) throw new Refusal(403, 'path-not-allowed', 'This path is not open.');
  const body = request.method === 'POST' ? await readBody(request, kMostBytes) : undefined;
  const headers: Record<string, string> = {};
  for (const header of sentOn) {
    const value = request.headers.get(header);
    if (value !== null) headers[header] = value;
  }
  const signal =
    timeoutMs === undefined ? request.signal : AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  const answer = await call({ url: url.href, method: request.method, headers, body, key: target.key, signal });
  const back = new Headers({ 'x-tierwise-from': 'upstream' });
  for (const [header, value] of answer.headers)
    if (handedBack.test(header))
      back.set(header, target.key === undefined ? value : value.replaceAll(target.key, '[redacted]'));
  if (!back.has('cache-control')) back.set('cache-control', 'no-store');
  return new Response(answer.body, { status: answer.status, headers: back });
}
