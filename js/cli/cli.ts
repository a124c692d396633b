/**
 * `npx tierwise <command>`. Exit codes: 0 done, 1 failed, 2 called wrongly. `--json` prints one object and nothing else. No
 * password is ever printed.
 */
import { parseArgs } from 'node:util';

import { migrate } from './migrate.js';
import { doctorUsage, runDoctor } from './run-doctor.js';

const migrateUsage = `tierwise migrate --db <url> [--dry-run] [--seed | --no-seed] [--json]

  Brings the schema of the backend into a PostgreSQL, 15 or newer (Supabase included). Creates only what is missing.
  --db        postgres://user:password@host:port/database; default: the environment variable DATABASE_URL
  --dry-run   does it in a transaction, rolls it back, and tells what would be done
  --seed      adds the default flags, models and prices that are missing; by default with the first migration only
  --no-seed   never adds them`;
const usage = `${migrateUsage}\n\n${doctorUsage}`;

const commands: Record<string, (args: string[]) => Promise<number>> = { migrate: runMigrate, doctor: runDoctor };
/** What still holds the process when a command is done (a connection that nobody ends) is not waited for. */
const kLastMs = 3000;

async function main(args: string[]): Promise<number> {
  const [name = '', ...rest] = args;
  const command = commands[name];
  if (command !== undefined) return command(rest);
  const asked = name === '--help' || name === '-h' || name === 'help';
  (asked ? console.log : console.error)(name === '' || asked ? usage : `There is no command "${name}".\n\n${usage}`);
  return asked ? 0 : 2;
}

async function runMigrate(args: string[]): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        db: { type: 'string' },
        'dry-run': { type: 'boolean' },
        seed: { type: 'boolean' },
        'no-seed': { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${migrateUsage}`);
    return 2;
  }
  if (values.help === true) {
    console.log(migrateUsage);
    return 0;
  }
  const url = values.db ?? process.env['DATABASE_URL'];
  if (url === undefined || !/^postgres(ql)?:\/\//.test(url)) {
    console.error(`--db must be a URL as postgres://user:password@host:port/database.\n\n${migrateUsage}`);
    return 2;
  }
  const json = values.json === true;
  const dryRun = values['dry-run'] === true;
  try {
    const result = await migrate({
      url,
      migrations: new URL('./backend/migrations/', import.meta.url),
      seedFile: new URL('./backend/seed.sql', import.meta.url),
      dryRun,
      ...(values['no-seed'] === true ? { seed: false } : values.seed === true ? { seed: true } : {}),
      ...(json ? {} : { say: (text: string) => console.log(`  ${text}`) }),
    });
    if (json) {
      console.log(JSON.stringify({ ok: true, dryRun, ...result }));
      return 0;
    }
    for (const what of result.created) console.log(`  created ${what}`);
    for (const warning of result.warnings) console.log(`  Note: ${warning}`);
    const count = result.applied.length;
    const done = count === 0 ? 'Nothing to do: the schema is up to date.' : `${String(count)} migrations applied.`;
    console.log(
      dryRun ? `${count === 0 ? done : `${String(count)} migrations would be applied.`} Nothing was changed.` : done,
    );
    return 0;
  } catch (error) {
    const message = withoutPassword(error instanceof Error ? error.message : String(error), url);
    if (json) console.log(JSON.stringify({ ok: false, dryRun, error: message }));
    else console.error(`The migration failed, and what failed was rolled back: ${message}`);
    return 1;
  }
}

function withoutPassword(text: string, url: string): string {
  const written = /^[a-z]+:\/\/[^:@/]*:([^@/]+)@/.exec(url)?.[1];
  if (written === undefined) return text;
  let meant = written;
  try {
    meant = decodeURIComponent(written);
  } catch {
    // Not encoded: it is as it was written.
  }
  return text.replaceAll(written, '…').replaceAll(meant, '…');
}

process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), kLastMs).unref();
