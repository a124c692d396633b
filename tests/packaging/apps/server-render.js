/** On a server: importing and rendering touch nothing and leave nothing running. */
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';

const calls = [];
for (const name of ['fetch', 'setTimeout', 'setInterval']) {
  const original = globalThis[name];
  globalThis[name] = (...args) => (calls.push(name), original(...args));
}
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = (...args) => (calls.push('WebAssembly.instantiate'), instantiate(...args));

const { TierwiseProvider, useChat, useReply, useSpaceStatus } = await import('tierwise/react');

function Page() {
  const { status } = useReply();
  const { messages } = useChat();
  return createElement(
    'p',
    undefined,
    `${status}, ${messages.length} messages, ${useSpaceStatus('base')?.state ?? 'no status'}`,
  );
}
const html = renderToString(
  createElement(TierwiseProvider, { config: { spaces: { base: { url: 'owner/name' } } } }, createElement(Page)),
);
console.log(JSON.stringify({ html, calls, window: typeof window }));
