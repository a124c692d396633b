import { serversOfPage } from './servers-of-page.js';

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }) => (globalThis.outcome = data);
worker.onerror = (event) => (globalThis.outcome = { failed: event.message || 'The worker did not start.' });
worker.postMessage(serversOfPage());
