/** On the server side of the framework. */
import { embedAll } from '../../embed.js';

export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(await embedAll());
}
