/**
 * All functions in one Deno process, under `/functions/v1/{name}` on a loopback port: what hosted Supabase does with each
 * of them on its own. Started by functions.mjs, whose end of standard input it lives by. Says `{"listening": port}` first.
 */
import { failure, Refusal, sealAnswer } from '../supabase/functions/_shared/answer.ts';
import config from '../supabase/functions/config/index.ts';
import feedback from '../supabase/functions/feedback/index.ts';
import gateway from '../supabase/functions/gateway/index.ts';
import health from '../supabase/functions/health/index.ts';
import inference from '../supabase/functions/huggingface-inference/index.ts';
import summary from '../supabase/functions/usage-summary/index.ts';
import usage from '../supabase/functions/usage/index.ts';

const functions = new Map([
  ['config', config],
  ['feedback', feedback],
  ['gateway', gateway],
  ['health', health],
  ['huggingface-inference', inference],
  ['usage', usage],
  ['usage-summary', summary],
]);

Deno.serve(
  {
    hostname: '127.0.0.1',
    port: Number(Deno.env.get('TIERWISE_FUNCTIONS_PORT') ?? 0),
    onListen: ({ port }) => console.log(JSON.stringify({ listening: port })),
  },
  (request) => {
    const name = /^\/functions\/v1\/([a-z-]+)(?:\/|$)/.exec(new URL(request.url).pathname)?.[1];
    const found = functions.get(name ?? '');
    if (found !== undefined) return found.fetch(request);
    return sealAnswer(failure(new Refusal(404, 'no-such-function', 'There is no such function.')), crypto.randomUUID());
  },
);

// A parent that ends, however it ends, closes this.
const heard = Deno.stdin.readable.getReader();
while (!(await heard.read()).done);
Deno.exit(0);
