/**
 * Run under Deno by functions-inference.test.mjs: the real `@supabase/supabase-js` invokes the functions. Arguments: the
 * project's address, a user's token. Prints one JSON line of what the client gave.
 */
import { createClient, FunctionsHttpError } from 'npm:@supabase/supabase-js@2.119.1';

const [url = '', token = '', text = '', vector = ''] = Deno.args;
const supabase = createClient(url, 'sb_publishable_test', {
  accessToken: () => Promise.resolve(token),
});

const failed = async (error: unknown) =>
  error instanceof FunctionsHttpError
    ? { status: error.context.status, ...(await error.context.json()) }
    : { thrown: String(error) };

const generated = await supabase.functions.invoke('huggingface-inference', {
  body: {
    modelId: text,
    task: 'text-generation',
    inputs: 'Explain quantum computing in simple terms.',
    parameters: { max_tokens: 512, temperature: 0.7 },
  },
});
const embedded = await supabase.functions.invoke('huggingface-inference', {
  body: { modelId: vector, task: 'feature-extraction', inputs: 'Convert this text to vector embeddings' },
});
const refused = await supabase.functions.invoke('huggingface-inference', {
  body: { modelId: 'nobody/nothing', task: 'text-generation', inputs: 'x' },
});
const streamed = await supabase.functions.invoke('huggingface-inference', {
  body: { modelId: text, task: 'text-generation', inputs: 'x', stream: true },
});
const usage = await supabase.functions.invoke('usage', {
  body: { sentAt: Date.now(), events: [{ eventId: crypto.randomUUID(), kind: 'start', at: Date.now() }] },
});
const config = await supabase.functions.invoke('config', { method: 'GET' });
console.log(
  JSON.stringify({
    generated: generated.data,
    embedded:
      embedded.data?.success === true ? embedded.data.result.length : embedded.error && (await failed(embedded.error)),
    refused: await failed(refused.error),
    streamed: streamed.data instanceof Response ? await streamed.data.text() : streamed.data,
    usage: usage.data,
    config: config.data?.company,
  }),
);
Deno.exit(0);
