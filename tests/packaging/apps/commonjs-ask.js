/** From a CommonJS project: import() is how it reaches an ES module. */
void import('tierwise').then(async ({ createClient }) => {
  const client = createClient({ spaces: { base: { url: JSON.parse(process.argv[2]).plain, protocol: 'plain' } } });
  const first = await client.generate('Hello');
  const second = await client.generate('Hello');
  client.close();
  console.log(JSON.stringify({ sources: [first.source, second.source], content: first.content }));
});
