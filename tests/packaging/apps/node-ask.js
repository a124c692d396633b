/** In Node: no options, no server left running, nothing on stderr. The process must end by itself. */
import { ask } from './ask.js';

console.log(JSON.stringify(await ask(JSON.parse(process.argv[2]))));
