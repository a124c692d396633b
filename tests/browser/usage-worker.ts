/** An application's service worker; a message stands for the browser's sync event, which needs a real network. Test code. */
import { sendKeptUsage } from '../../js/usage/worker.ts';

const worker = self as unknown as {
  addEventListener(
    name: 'message',
    heard: (event: MessageEvent & { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
};
worker.addEventListener('message', (event) => {
  const { url } = event.data as { url: string };
  const tell = (text: string) => (event.source as unknown as Client | undefined)?.postMessage(text);
  event.waitUntil(
    sendKeptUsage({ usage: { backend: { url, token: 'session' } }, partition: { user: 'u' } }).then(
      () => tell('sent'),
      (error: unknown) => tell(String(error)),
    ),
  );
});
