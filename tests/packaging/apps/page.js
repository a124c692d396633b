import { ask } from './ask.js';
import { serversOfPage } from './servers-of-page.js';

globalThis.outcome = await ask(serversOfPage()).catch((error) => ({ failed: String(error) }));
