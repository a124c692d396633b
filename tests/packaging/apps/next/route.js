/** The package on the server side of the framework. */
import { ask } from '../../ask.js';

export const dynamic = 'force-dynamic';

export async function GET(request) {
  return Response.json(await ask(JSON.parse(new URL(request.url).searchParams.get('servers'))));
}
