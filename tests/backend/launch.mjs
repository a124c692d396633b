/**
 * For embedded.test.mjs, which kills it: starts the database in the folder given, writes rows one by one, and tells on
 * standard output of the start and of each row that was acknowledged.
 */
import postgres from 'postgres';

import { startDatabase } from '../../web/backend/embedded/database.mjs';

const database = await startDatabase({
  folder: process.argv[2],
  onRestart: () => process.stdout.write('restarted\n'),
});
process.stdout.write(`started ${String(database.server.pid)} ${String(database.server.port)}\n`);
const end = async () => {
  await database.stop();
  process.exit(0);
};
process.once('SIGTERM', end);
process.once('SIGINT', end);

const sql = postgres(database.adminUrl, { max: 1, onnotice: () => {}, idle_timeout: 0 });
await sql`create table if not exists public.kept (n bigint primary key)`;
const [{ next }] = await sql`select coalesce(max(n), 0) + 1 as next from public.kept`;
for (let n = Number(next); ; n += 1) {
  try {
    await sql`insert into public.kept values (${n})`;
    process.stdout.write(`kept ${String(n)}\n`);
  } catch {
    // The server was killed: the next number, on the server that takes its place.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
