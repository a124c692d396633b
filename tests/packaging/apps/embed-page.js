import { embedAll } from './embed.js';
import { serversOfPage } from './servers-of-page.js';

void embedAll(serversOfPage()).then(
  (outcome) => (globalThis.outcome = outcome),
  (error) => (globalThis.outcome = { failed: String(error) }),
);
