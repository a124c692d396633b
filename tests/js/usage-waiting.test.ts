/** `client.waiting()`: what has no verdict yet, of the partition that is the client's. */
import { afterEach, expect, test } from '@jest/globals';

import { bench, chat, closeAll, space } from './client-bench.ts';

afterEach(closeAll);

const tokens: { now: string | undefined } = { now: undefined };
const usage = { backend: { url: 'https://b.test/functions/v1', token: () => tokens.now } };

test('0 with nowhere to send; start and complete wait while there is no token, those of another user do not count', async () => {
  const plain = bench({ spaces: { base: space('base') } });
  await plain.client.generate('Hi');
  expect(await plain.client.waiting()).toBe(0);

  const { client } = bench({ spaces: { base: space('base') }, partition: { user: 'u1' }, usage }, (call) =>
    chat(call.host),
  );
  expect(await client.waiting()).toBe(0);
  const reply = await client.generate('Hi');
  expect(await client.waiting()).toBe(2);
  await client.feedback(reply.id, 'up');
  expect(await client.waiting()).toBe(3);
  await client.configure({ partition: { user: 'u2' } });
  expect(await client.waiting()).toBe(0);
  await client.configure({ partition: { user: 'u1' } });
  expect(await client.waiting()).toBe(3);
  client.close();
  expect(await client.waiting()).toBe(0);
});
