/** Type test of the React part, compiled and never run. */
import type { ReactElement } from 'react';
import type { Client, Reply } from 'tierwise';
import { TierwiseProvider, useChat, useReply, useSpaceStatus, useTierwise } from 'tierwise/react';

function Inside(): ReactElement {
  const client: Client = useTierwise();
  const { ask, text, status, error } = useReply();
  const { messages, send, stop } = useChat();
  const asked: Promise<Reply | undefined> = ask('prompt', { tier: 'company' });
  void [client, asked, text, status === 'streaming', error?.message];
  return (
    <p onClick={() => void send('prompt', { tier: 'company' })} onDoubleClick={stop}>
      {useSpaceStatus('company')?.message}
      {messages.map((message) => message.content)}
    </p>
  );
}
export const Both = ({ client }: { client: Client }): ReactElement => (
  <TierwiseProvider client={client}>
    <TierwiseProvider config={{ spaces: { base: { url: 'owner/name' } } }}>
      <Inside />
    </TierwiseProvider>
  </TierwiseProvider>
);
// @ts-expect-error: a client or a config, not both
export const neither = ({ client }: { client: Client }) => <TierwiseProvider client={client} config={{}} />;
