/**
 * Sends one destination's rows, oldest first, until each has its verdict. Promises:
 * - one sender among tabs, where the browser has Web Locks; without them two may send the same rows, of which the
 *   server's ids keep one;
 * - a failed round is followed by another: after what `Retry-After` asked for (1 h at most), else after 2 s, twice as
 *   long with each failure in a row, 5 min at most, each time by chance between half and all of it. The wait is the same
 *   for all tabs and outlives them;
 * - a row that alone makes the server fail three times goes to the end of the queue, behind the rows of the next hour;
 * - too many rows that wait become daily totals, but never a row that may have been sent: neither one taken for a round,
 *   nor one so young that a page that is being left may take it along;
 * - rows of an account are sent while that account is the client's, with its token, and by nobody else.
 */
import type { Clock, Warning } from '../types.js';
import { longestWait, type Outcome, type Verdict } from './answer.js';
import type { Destination } from './destination.js';
import { foldRows } from './fold.js';
import type { Outbox, Row } from './outbox.js';
import { within } from './outbox.js';
import { nextTask, post, postAndLeave } from './post.js';

export interface World {
  outbox: Outbox;
  clock: Clock;
  random: () => number;
  fetch: typeof fetch;
  newId: () => string;
  warn: (warning: Warning) => void;
  /** Whose rows may be sent now. */
  account: () => string;
  maxWaiting: number;
  /** There is more to send, and it did not go. */
  onStuck?: () => void;
}

const batchMs = 5000;
/** A full batch does not wait for its time. */
const mostBytes = 1_000_000 - 1000;
const timeoutMs = 30_000;
/** Being offline is normal; an address that never answers is not. */
const failuresUntilTold = 6;
const firstBackoff = 2000;
const longestBackoff = 5 * 60 * 1000;
const leastHeld = 1000;
const foldAtOnce = 250;
/** The age of rows that go along when a page is left, at most, and of those that are folded, at least, ms. */
const oldestAlong = 2 * 60 * 1000;
const youngestFolded = 5 * 60 * 1000;
/** A row that is too large alone when it is larger than this; a server that says so of a smaller one is ill. */
const largeRow = 64 * 1024;
const postponedBy = 60 * 60 * 1000;

export class Sender {
  readonly destination: Destination;
  readonly #world: World;
  /** Of this page and without a verdict: what goes along when the page is left. */
  readonly #fresh = new Map<string, Row>();
  /** Of those, what is with the browser. */
  readonly #along = new Set<string>();
  readonly #writing = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #force = false;
  #timer: { at: number; cancel: () => void } | undefined;
  #limit: number;
  #ceiling: number;
  #compress = true;
  #headers: Record<string, string> | undefined;
  /** About how many wait; undefined: not counted yet. */
  #waiting: number | undefined;
  #sinceCounted = 0;
  #folding: Promise<void> | undefined;
  #told = '';
  #offline = false;

  constructor(destination: Destination, world: World) {
    this.destination = destination;
    this.#world = world;
    this.#limit = this.#ceiling = destination.most;
  }

  /** Resolves when the row is on the disk. The write is issued before this returns. */
  add(id: string, text: string, account: string): Promise<void> {
    const { clock, outbox } = this.#world;
    const row: Row = { queue: this.#queueOf(account), at: clock.now(), id, text };
    this.#fresh.set(id, row);
    // The browser takes about a hundred when the page is left.
    if (this.#fresh.size > 200) this.#fresh.delete(this.#fresh.keys().next().value!);
    const writing: Promise<void> = outbox.add([row]).finally(() => {
      this.#writing.delete(writing);
      this.#bound();
    });
    writing.catch(() => undefined);
    this.#writing.add(writing);
    this.#sinceCounted += 1;
    this.kick(this.#sinceCounted % this.destination.most === 0 ? 0 : batchMs);
    return writing;
  }

  /** A round, `ms` from now at the latest. */
  kick(ms: number): void {
    const { clock } = this.#world;
    const at = clock.now() + ms;
    if (this.#closing.signal.aborted || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    this.#timer = {
      at,
      cancel: clock.after(ms, () => {
        this.#timer = undefined;
        void this.send();
      }),
    };
  }

  /** The network is back. */
  online(): void {
    if (this.#offline) void this.send(true);
    else this.kick(0);
  }

  /** A round, after the one under way. `force`: even where this side would rather wait. Never rejects. */
  send(force = false): Promise<void> {
    this.#force ||= force;
    this.#queued ??= this.#running = this.#running.then(() => {
      this.#queued = undefined;
      const forced = this.#force;
      this.#force = false;
      return this.#round(forced);
    });
    return this.#queued;
  }

  /** Resolves when every write issued so far is complete. */
  async written(): Promise<void> {
    await Promise.allSettled([...this.#writing]);
    await this.#folding;
  }

  /**
   * The page is being left: what is new goes along, in what is left of the browser's 64 KiB, if it is known who is signed
   * in. Gives the bytes it took, and tells when the browser is done with them. An answer that comes after all counts as
   * any other.
   */
  leave(room: number, landed: (bytes: number) => void): number {
    const { outbox, fetch, clock, account } = this.#world;
    const queue = this.#queueOf(account());
    const rows = [...this.#fresh.values()].filter(
      (row) => row.queue === queue && clock.now() - row.at <= oldestAlong && !this.#along.has(row.id),
    );
    const headers = this.#headers;
    if (headers === undefined || rows.length === 0) return 0;
    const most = room - 200;
    const first = within(rows.slice(0, this.#ceiling), most);
    const body = this.destination.body(first, clock.now());
    const size = new TextEncoder().encode(body).length;
    if (size > room) return 0;
    // Its keys must be in order.
    const sent = first.map((row) => ({ ...row, tried: true })).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    for (const { id } of sent) this.#along.add(id);
    outbox.settle([], sent).catch(() => undefined);
    postAndLeave(fetch, this.destination.url, headers, body)
      .then((answer) => answer && this.#heard(sent, this.destination.outcome(answer, sent, clock.now())))
      .catch(() => undefined)
      .finally(() => {
        for (const { id } of sent) this.#along.delete(id);
        landed(size);
      });
    return size;
  }

  /** Rows without a verdict, of the account that is signed in. */
  left(): Promise<number> {
    return this.#world.outbox.count(this.#queueOf(this.#world.account()));
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
  }

  #queueOf(account: string): string {
    return `${this.destination.name} ${account}`;
  }

  async #round(force: boolean): Promise<void> {
    const { outbox, account } = this.#world;
    if (this.#closing.signal.aborted) return;
    if ((globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false) {
      this.#offline = true;
      this.#world.onStuck?.();
      return;
    }
    const queue = this.#queueOf(account());
    try {
      await alone(outbox.persistent ? queue : undefined, () => this.#drain(queue, force));
    } catch (error) {
      this.#warn('usage-storage-failed', 'The outbox could not be read; events in it wait.', error);
      this.kick(longestBackoff);
    }
  }

  async #drain(queue: string, force: boolean): Promise<void> {
    const { outbox, clock, account } = this.#world;
    const state = await outbox.state(queue);
    const wait = (state?.retryAt ?? 0) - clock.now();
    // A longer one is of a clock that has been set back since.
    if (wait > 0 && wait <= longestWait && (!force || state?.held === true)) {
      this.kick(wait);
      return;
    }
    let failures = state?.failures ?? 0;
    let asked = false;
    for (;;) {
      if (this.#closing.signal.aborted) return;
      const rows = await outbox.take(queue, this.#limit, mostBytes);
      if (rows.length === 0) {
        if (state?.retryAt !== undefined) await outbox.setState({ queue });
        return;
      }
      const outcome = await this.#post(rows, () => this.#queueOf(account()) === queue);
      if (outcome === undefined) {
        this.kick(0);
        return;
      }
      if (outcome.kind === 'plain' && this.#compress) {
        this.#compress = false;
        continue;
      }
      if (outcome.kind === 'token' && !asked) {
        asked = true;
        continue;
      }
      if (outcome.kind === 'split') {
        if (outcome.tooLarge && rows.length > 1) this.#ceiling = Math.ceil(rows.length / 2);
        if (rows.length > 1) {
          this.#limit = Math.ceil(rows.length / 2);
          continue;
        }
      }
      if (await this.#heard(rows, outcome)) {
        failures = 0;
        asked = false;
        this.#limit = Math.min(this.#limit * 2, this.#ceiling);
        continue;
      }
      failures += 1;
      this.#offline = outcome.kind === 'later' && outcome.offline === true;
      if (this.#offline && failures === failuresUntilTold) {
        const may = 'no network, no permission for this origin (CORS) or a redirect';
        this.#warn('usage-not-sent', `${this.destination.title} does not answer (${may}). What was recorded waits.`);
      }
      const suspect = outcome.kind === 'split' || (outcome.kind === 'later' && outcome.halve === true);
      if (suspect && rows.length > 1) this.#limit = Math.ceil(rows.length / 2);
      if (suspect && rows.length === 1 && failures >= 3) {
        const last = rows[0]!;
        await outbox.settle(rows, [{ ...last, at: clock.now() + postponedBy, tried: true }]);
      }
      const after = outcome.kind === 'later' ? outcome.after : undefined;
      const delay = after === undefined ? this.#backoff(failures) : Math.max(after, leastHeld);
      await outbox.setState({ queue, retryAt: clock.now() + delay, failures, held: after !== undefined });
      this.kick(delay);
      this.#world.onStuck?.();
      return;
    }
  }

  #backoff(failures: number): number {
    return Math.min(longestBackoff, firstBackoff * 2 ** (failures - 1)) * (0.5 + this.#world.random() / 2);
  }

  /** Undefined: another account is signed in now. */
  async #post(rows: readonly Row[], stillTheirs: () => boolean): Promise<Outcome | undefined> {
    const { clock, fetch } = this.#world;
    const { destination } = this;
    const over = new AbortController();
    const abort = () => over.abort();
    this.#closing.signal.addEventListener('abort', abort, { once: true });
    const cancel = clock.after(timeoutMs, abort);
    const tooLate = new Promise<undefined>((resolve) =>
      over.signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    try {
      await nextTask();
      const headers = await Promise.race([destination.headers().catch(() => undefined), tooLate]);
      if (!stillTheirs()) return undefined;
      this.#headers = headers;
      if (headers === undefined) return { kind: 'later', why: '' };
      const { url } = destination;
      const body = destination.body(rows, clock.now());
      const sent = post({ fetch, url, headers, body, compress: this.#compress, signal: over.signal });
      const answer = await Promise.race([sent, tooLate]);
      if (answer === undefined) return { kind: 'later', why: '', offline: true };
      return destination.outcome(answer, rows, clock.now());
    } finally {
      cancel();
      this.#closing.signal.removeEventListener('abort', abort);
    }
  }

  /** Lets go of rows with a verdict. False: none has one. */
  async #heard(rows: readonly Row[], outcome: Outcome): Promise<boolean> {
    const { outbox } = this.#world;
    const { title } = this.destination;
    let verdicts: ReadonlyMap<string, Verdict>;
    if (outcome.kind === 'verdicts') verdicts = outcome.verdicts;
    else {
      const [row] = rows;
      const alone = outcome.kind === 'split' && outcome.tooLarge && rows.length === 1 && row!.text.length > largeRow;
      if (!alone) {
        if (outcome.kind !== 'plain' && outcome.why !== '' && this.#told !== outcome.why) {
          this.#told = outcome.why;
          this.#warn('usage-not-sent', `${title} ${outcome.why}. What was recorded waits and is sent again.`);
        }
        return false;
      }
      verdicts = new Map([[row!.id, { verdict: 'refused', code: 'too-large' }]]);
    }
    this.#told = '';
    const gone = rows.filter(({ id }) => verdicts.has(id));
    await outbox.settle(gone);
    for (const { id } of gone) this.#fresh.delete(id);
    if (this.#waiting !== undefined) this.#waiting = Math.max(0, this.#waiting - gone.length);
    const refused = gone.filter(({ id }) => verdicts.get(id)?.verdict === 'refused');
    if (refused.length > 0) {
      const { code = 'unknown', message = '' } = verdicts.get(refused[0]!.id)!;
      const what = refused.length === 1 ? 'a row' : `${String(refused.length)} rows`;
      this.#warn('usage-refused', `${title} refused ${what} for good: ${code}. ${message}`.trim(), {
        eventIds: refused.map(({ id }) => id),
      });
    }
    return true;
  }

  /** Keeps the queue below its bound. Counted now and then: other tabs write into it too. */
  #bound(): void {
    const { maxWaiting } = this.#world;
    const due = this.#waiting === undefined || this.#waiting + this.#sinceCounted > maxWaiting;
    if (!due && this.#sinceCounted < 256) return;
    this.#folding ??= this.#fold()
      .catch(() => undefined)
      .finally(() => (this.#folding = undefined));
  }

  async #fold(): Promise<void> {
    const { outbox, clock, newId, account, maxWaiting } = this.#world;
    const queue = this.#queueOf(account());
    this.#sinceCounted = 0;
    this.#waiting = await outbox.count(queue);
    let folded = 0;
    while (this.#waiting > maxWaiting && this.destination.foldable) {
      const now = clock.now();
      const gone = await outbox.fold(queue, now - youngestFolded, foldAtOnce, (rows) => foldRows(rows, now, newId));
      if (gone === 0) break;
      folded += gone;
      const before = this.#waiting;
      this.#waiting = await outbox.count(queue);
      if (this.#waiting >= before) break;
    }
    if (folded > 0) {
      const what = `More than ${String(maxWaiting)} usage events wait for ${this.destination.url}`;
      this.#warn('usage-folded', `${what}: the oldest ${String(folded)} became daily totals.`);
    }
  }

  #warn(code: string, message: string, cause?: unknown): void {
    this.#world.warn({ code, message, ...(cause !== undefined && { cause }) });
  }
}

/** One at a time of all tabs; where there are no locks, or none for this frame, at once. */
async function alone(name: string | undefined, task: () => Promise<void>): Promise<void> {
  const { locks } = ((globalThis as { navigator?: unknown }).navigator ?? {}) as { locks?: LockManager };
  if (name === undefined || locks === undefined) return task();
  const failures: unknown[] = [];
  const whole = locks.request(`tierwise ${name}`, () => task().catch((error: unknown) => failures.push(error)));
  await whole.catch(task);
  if (failures.length > 0) throw failures[0];
}
