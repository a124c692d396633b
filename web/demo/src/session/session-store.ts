/**
 * Who is signed in, kept in this origin's localStorage (tokens of a session, never a secret key) and shared with the other tabs.
 * The access token is renewed a minute before it expires, by one tab for all. Signed out when a renewal is refused (4xx);
 * no network and 5xx change nothing. Times are ms since 1970 by this browser's clock, whatever the server's says.
 */
import { callFunction, CallFailed, failureOf, unreachable } from './call';

export interface Person {
  email: string;
  password: string;
  name: string;
  role: 'admin' | 'member';
  company: string;
}
export interface Backend {
  /** As of a Supabase project: `/auth/v1` and `/functions/v1` are below it. */
  url: string;
  /** Of the development sign-in, who may be picked with one click. */
  people: readonly Person[];
}
export interface User {
  id: string;
  email: string;
  name: string;
}
export interface Company {
  id: string;
  name: string;
  role: 'admin' | 'member';
}
/** What a client needs to work for one person: another object means another person or company. */
export interface Account {
  /** As `Backend.url`. */
  url: string;
  user: string;
  company: string | undefined;
  /** This person's, or undefined: never another's who signed in since. */
  token: (options?: { renew?: boolean }) => Promise<string | undefined>;
  /** Somebody else, or nobody, is signed in now. */
  ended: () => boolean;
}
export interface SessionState {
  /** `none`: no backend. */
  status: 'none' | 'out' | 'in';
  user?: User;
  /** Undefined also for a user who is in none. */
  company?: Company;
  account?: Account;
}
interface Kept {
  url: string;
  access: string;
  refresh: string;
  expiresAt: number;
  user: User;
  company?: Company;
}

const key = 'tierwise-session';
const early = 60_000;
const patience = 15_000;
const overtaken = 'This sign-in was overtaken: somebody signed in or out meanwhile.';

export class SessionStore {
  readonly backend: Backend | undefined;
  #kept: Kept | undefined;
  #state: SessionState | undefined;
  #renewing: { of: string; token: Promise<string | undefined> } | undefined;
  /** Of signing in and out: what a later one overtook writes nothing. */
  #turn = 0;
  /** Nothing can be written: who is signed in is known to this tab only. */
  #blocked = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(backend: Backend | undefined) {
    this.backend = backend && { ...backend, url: backend.url.replace(/\/+$/, '') };
    this.#kept = this.#read();
    this.#state = this.#stateNow();
    if (this.backend === undefined) return;
    addEventListener('storage', (event) => {
      if (event.key !== key && event.key !== null) return;
      const now = this.#read();
      if (now?.user.id !== this.#kept?.user.id) this.#turn++;
      this.#set(now);
    });
    addEventListener('online', () => void this.#refreshCompany());
    this.#schedule();
    // The role may be another since the last visit.
    void this.#refreshCompany();
  }

  state = (): SessionState => this.#state!;
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Errors: CallFailed, `overtaken` by a later one; nobody is signed in then who was not before. */
  signIn = async (email: string, password: string): Promise<void> => {
    const turn = ++this.#turn;
    const kept = await this.#grant('password', { email, password });
    let company: Company | undefined;
    if (turn === this.#turn) company = await this.#companyOf(kept);
    if (turn !== this.#turn) {
      void this.#end(kept);
      throw new CallFailed(0, 'overtaken', overtaken);
    }
    this.#write({ ...kept, ...(company && { company }) });
  };

  /** At once here; the backend is told if it can be reached. `who`: nothing, unless it is they who are signed in. */
  signOut = (who?: User): Promise<void> => {
    const kept = this.#kept;
    if (who !== undefined && who.id !== kept?.user.id) return Promise.resolve();
    this.#turn++;
    this.#write(undefined);
    if (kept !== undefined) void this.#end(kept);
    return Promise.resolve();
  };

  /** Never rejects. */
  async #end(kept: Kept): Promise<void> {
    try {
      // With an expired token nobody is signed out, and the refresh token would stay good.
      const { access } =
        kept.expiresAt - patience > Date.now()
          ? kept
          : await this.#grant('refresh_token', { refresh_token: kept.refresh });
      await fetch(`${kept.url}/auth/v1/logout?scope=local`, {
        method: 'POST',
        headers: { authorization: `Bearer ${access}` },
        credentials: 'omit',
        keepalive: true,
      });
    } catch {
      // Nobody answers, or it has ended already.
    }
  }

  /**
   * Of who is signed in when it is asked for. Undefined: nobody is, or not any more, or it expired and the backend cannot be
   * reached.
   */
  token = async ({ renew = false } = {}): Promise<string | undefined> => {
    const kept = this.#kept;
    if (kept === undefined) return undefined;
    if (!renew && kept.expiresAt - early > Date.now()) return kept.access;
    if (this.#renewing?.of !== kept.refresh) {
      const token = this.#renew(kept).finally(() => {
        if (this.#renewing?.token === token) this.#renewing = undefined;
      });
      this.#renewing = { of: kept.refresh, token };
    }
    return this.#renewing.token;
  };

  async #renew(old: Kept): Promise<string | undefined> {
    const run = async () => {
      // Another tab may have done it meanwhile: the refresh token is good once.
      const now = this.#read();
      if (now?.user.id !== old.user.id || (now.refresh !== old.refresh && now.expiresAt - early > Date.now()))
        return this.#adopt(now, old.user);
      try {
        const next = await this.#grant('refresh_token', { refresh_token: now.refresh });
        // Signed out, or in anew, meanwhile, here or in another tab whose event is still to come: that counts.
        const then = this.#read();
        if (then?.refresh !== now.refresh || then.user.id !== next.user.id) return this.#adopt(then, old.user);
        this.#write({ ...next, ...(then.company && { company: then.company }) });
        return next.access;
      } catch (error) {
        const status = error instanceof CallFailed ? error.status : 0;
        const refused = status >= 400 && status < 500 && status !== 408 && status !== 429;
        const then = this.#read();
        if (!refused || then?.refresh !== now.refresh) return this.#adopt(then, old.user);
        this.#write(undefined);
        return undefined;
      }
    };
    const locks = navigator.locks as LockManager | undefined;
    return locks === undefined ? run() : locks.request(key, run);
  }

  /** Takes over what is stored. Gives its token, if it is good and this user's. */
  #adopt(kept: Kept | undefined, { id }: User): string | undefined {
    this.#set(kept);
    return kept?.user.id === id && kept.expiresAt > Date.now() ? kept.access : undefined;
  }

  async #grant(type: 'password' | 'refresh_token', body: object): Promise<Kept> {
    const url = this.backend?.url;
    if (url === undefined) throw new CallFailed(0, 'not-signed-in', 'There is no backend to sign in to.');
    const answer = await fetch(`${url}/auth/v1/token?grant_type=${type}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      credentials: 'omit',
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    }).catch(() => {
      throw unreachable();
    });
    if (!answer.ok) throw await failureOf(answer);
    const kept = keptFrom(url, (await answer.json().catch(() => undefined)) as unknown);
    if (kept === undefined) throw new CallFailed(502, 'no-session', 'The sign-in answered with something else.');
    return kept;
  }

  /** Undefined: in none. Errors: CallFailed. */
  async #companyOf({ access }: Kept): Promise<Company | undefined> {
    const caller = { backend: this.backend!, status: 'in' as const, token: () => Promise.resolve(access) };
    try {
      return asCompany(
        await callFunction<unknown>(caller, 'config/company', { signal: AbortSignal.timeout(patience) }),
      );
    } catch (error) {
      if (error instanceof CallFailed && error.code === 'not-a-member') return undefined;
      if (error instanceof DOMException) throw unreachable();
      throw error;
    }
  }

  async #refreshCompany(): Promise<void> {
    if (this.#kept === undefined || (await this.token()) === undefined) return;
    const asked = this.#kept as Kept | undefined;
    if (asked === undefined) return;
    try {
      const company = await this.#companyOf(asked);
      const now = this.#read();
      if (now?.user.id === asked.user.id && JSON.stringify(now.company) !== JSON.stringify(company)) {
        const { company: _, ...rest } = now;
        this.#write({ ...rest, ...(company && { company }) });
      }
    } catch {
      // What was known stays.
    }
  }

  #write(kept: Kept | undefined): void {
    try {
      if (kept === undefined) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(kept));
      this.#blocked = false;
    } catch {
      // Signed in until the tab is closed.
      this.#blocked = true;
    }
    this.#set(kept);
  }

  #read(): Kept | undefined {
    if (this.#blocked) return this.#kept;
    try {
      const text = localStorage.getItem(key);
      const kept = text === null ? undefined : (JSON.parse(text) as Partial<Kept>);
      const whole =
        typeof kept?.access === 'string' &&
        typeof kept.refresh === 'string' &&
        typeof kept.expiresAt === 'number' &&
        typeof kept.user?.id === 'string';
      return whole && kept.url === this.backend?.url ? (kept as Kept) : undefined;
    } catch {
      // Storage is blocked, or holds what is not ours.
      return this.#kept;
    }
  }

  #set(kept: Kept | undefined): void {
    this.#kept = kept;
    this.#schedule();
    const next = this.#stateNow();
    // Functions are left out of the comparison.
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) listener();
  }

  #stateNow(): SessionState {
    if (this.backend === undefined) return { status: 'none' };
    if (this.#kept === undefined) return { status: 'out' };
    const { user, company } = this.#kept;
    return { status: 'in', user, ...(company && { company }), account: this.#accountOf(user.id, company?.id) };
  }

  #accountOf(user: string, company: string | undefined): Account {
    const before = this.#state?.account;
    if (before !== undefined && before.user === user && before.company === company) return before;
    return {
      url: this.backend!.url,
      user,
      company,
      token: async (options) => {
        if (this.#kept?.user.id !== user) return undefined;
        const token = await this.token(options);
        return this.#kept?.user.id === user ? token : undefined;
      },
      ended: () => this.#kept?.user.id !== user,
    };
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#kept === undefined) return;
    const left = this.#kept.expiresAt - early - Date.now();
    // After a failed renewal: not in a loop.
    this.#timer = setTimeout(
      () => void this.token().then(() => this.#schedule()),
      Math.min(Math.max(left, 10_000), 2 ** 31 - 1),
    );
  }
}

function keptFrom(url: string, value: unknown): Kept | undefined {
  const { access_token, refresh_token, expires_in, user } = (value ?? {}) as Record<string, unknown>;
  const { id, email, user_metadata } = (user ?? {}) as Record<string, unknown>;
  if (typeof access_token !== 'string' || typeof refresh_token !== 'string' || typeof id !== 'string') return undefined;
  const address = typeof email === 'string' ? email : '';
  const { name } = (user_metadata ?? {}) as Record<string, unknown>;
  return {
    url,
    access: access_token,
    refresh: refresh_token,
    expiresAt: Date.now() + (typeof expires_in === 'number' ? expires_in : 3600) * 1000,
    user: { id, email: address, name: typeof name === 'string' && name !== '' ? name : address },
  };
}

function asCompany(value: unknown): Company | undefined {
  const { id, name, role } = (value ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string') return undefined;
  return { id, name: typeof name === 'string' ? name : id, role: role === 'admin' ? 'admin' : 'member' };
}
