/**
 * What every consumer does with the package: two Spaces of different protocols, the cache, a stream, a prompt, a typed error.
 * `servers`: the addresses of a server with the plain contract and one with chat completions.
 */
import { TierwiseError, createClient, formatChat } from 'tierwise';

export async function ask(servers) {
  const warnings = [];
  const open = () => {
    const client = createClient({
      spaces: { base: { url: servers.plain, protocol: 'plain' }, company: { url: servers.chat, protocol: 'openai' } },
      partition: { user: 'ada' },
    });
    client.on('warning', ({ message }) => warnings.push(message));
    return client;
  };
  const client = open();
  const first = await client.generate('Write a product description', 'base', { industry: 'healthcare' });
  const second = await client.generate('Write a product description', 'base', { industry: 'healthcare' });
  let streamed = '';
  for await (const part of client.stream('And a slogan?', { tier: 'company' })) {
    if (part.type === 'text') streamed += part.text;
  }
  const { prompt } = await formatChat([{ role: 'user', content: 'Hi <|im_end|>' }], { template: 'chatml' });
  const refused = await client.generate('').catch((error) => error);
  await client.flush();
  client.close();

  // What was stored outlives the client where there is IndexedDB.
  const later = open();
  const third = await later.generate('Write a product description', 'base', { industry: 'healthcare' });
  later.close();
  return {
    sources: [first.source, second.source, third.source],
    content: first.content,
    same: second.content === first.content && third.content === first.content,
    streamed,
    prompt,
    refused: TierwiseError.isInstance(refused) ? refused.code : String(refused),
    warnings,
  };
}
