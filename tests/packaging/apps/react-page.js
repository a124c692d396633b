import { ask } from './ask.js';
import { askWithReact } from './ask-with-react.js';
import { serversOfPage } from './servers-of-page.js';

async function main() {
  return {
    ...(await ask(serversOfPage())),
    hooks: await askWithReact(serversOfPage(), document.getElementById('root')),
  };
}

void main().then(
  (outcome) => (globalThis.outcome = outcome),
  (error) => (globalThis.outcome = { failed: String(error) }),
);
