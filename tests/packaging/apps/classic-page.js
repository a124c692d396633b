/** As page.js, without a top-level await: a classic script has none. */
import { ask } from './ask.js';
import { serversOfPage } from './servers-of-page.js';

void ask(serversOfPage()).then(
  (outcome) => (globalThis.outcome = outcome),
  (error) => (globalThis.outcome = { failed: String(error) }),
);
