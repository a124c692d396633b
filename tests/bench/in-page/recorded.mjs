/** What the stubbed servers answer: chat completions in the shape of OpenAI, about 100 words. */

const content =
  'An exact cache answers a request that was asked before, word for word, from what is stored on the device. It needs no ' +
  'network and takes microseconds. It must never answer a different question, so its key covers the model, every message ' +
  'and every parameter, and it must never answer a different person, so each partition has keys of its own. Entries age, ' +
  'and the ones used longest ago leave first when room is needed. Streams are stored only when they were complete, and ' +
  'are shown again in pieces, as they came the first time.';

export const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1767225600,
  model: 'small-model',
  choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 58, completion_tokens: 104, total_tokens: 162 },
});

const chunk = (delta, finish, more) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1767225600,
  model: 'small-model',
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...more,
});

/** The network chunks of a stream that brings `count` words, one server-sent event each, then its end. */
export function streamChunks(count) {
  const pieces = content.split(/(?<= )/);
  const encoder = new TextEncoder();
  const events = [JSON.stringify(chunk({ role: 'assistant', content: '' }, null))];
  for (let i = 0; i < count; i++) events.push(JSON.stringify(chunk({ content: pieces[i % pieces.length] }, null)));
  events.push(JSON.stringify(chunk({}, 'stop')));
  events.push(
    JSON.stringify({
      ...chunk({}, null),
      choices: [],
      usage: { prompt_tokens: 58, completion_tokens: count, total_tokens: 58 + count },
    }),
  );
  events.push('[DONE]');
  return events.map((event) => encoder.encode(`data: ${event}\n\n`));
}
