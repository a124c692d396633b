/** In Node: the process must end by itself. */
import { embedAll } from './embed.js';

console.log(JSON.stringify(await embedAll()));
