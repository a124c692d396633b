/**
 * The demo's session with a network and a storage of this file's own: every answer is given by hand, so that what happens
 * meanwhile can. Two stores on one storage are two tabs; `tell` is the storage event, which may come late.
 */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { callFunction } from '../../web/demo/src/session/call.ts';
import { type SessionState, SessionStore } from '../../web/demo/src/session/session-store.ts';

const url = 'https://b.test';
const key = 'tierwise-session';
const hour = 3_600_000;

interface Asked {
  path: string;
  headers: Record<string, string>;
  body: Record<string, string>;
  answer(status: number, value?: unknown): void;
  fail(): void;
}
let asked: Asked[];
let stored: Map<string, string>;
let full: boolean;
let listeners: ((event: { key: string }) => void)[];

beforeEach(() => {
  jest.useFakeTimers({ now: 1_800_000_000_000, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  asked = [];
  stored = new Map();
  full = false;
  listeners = [];
  const globals = {
    navigator: { onLine: true },
    localStorage: {
      getItem: (name: string) => stored.get(name) ?? null,
      removeItem: (name: string) => stored.delete(name),
      setItem: (name: string, value: string) => {
        if (full) throw new DOMException('full', 'QuotaExceededError');
        stored.set(name, value);
      },
    },
    addEventListener: (type: string, listener: (event: { key: string }) => void) =>
      type === 'storage' && listeners.push(listener),
    fetch: (address: string, init: RequestInit) =>
      new Promise<Response>((resolve, reject) => {
        asked.push({
          path: address.slice(url.length),
          headers: init.headers as Record<string, string>,
          body: JSON.parse((init.body as string | undefined) ?? '{}') as Record<string, string>,
          answer: (status, value) => resolve(new Response(value && JSON.stringify(value), { status })),
          fail: () => reject(new TypeError('Failed to fetch')),
        });
      }),
  };
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
});
afterEach(() => {
  jest.clearAllTimers();
  jest.useRealTimers();
});

const settled = () => new Promise((resolve) => setImmediate(resolve));
/** The next call that nobody answered yet; it must be of `path`. */
async function next(path: string): Promise<Asked> {
  await settled();
  const call = asked.shift();
  expect(call?.path).toBe(path);
  return call!;
}
async function nothingAsked(): Promise<void> {
  await settled();
  expect(asked.map(({ path }) => path)).toEqual([]);
}
const tab = () => new SessionStore({ url, people: [] });
const tell = () => listeners.forEach((listener) => listener({ key }));
const password = '/auth/v1/token?grant_type=password';
const renewal = '/auth/v1/token?grant_type=refresh_token';
const logout = '/auth/v1/logout?scope=local';
const company = '/functions/v1/config/company';
const companies: Record<string, string> = { ada: 'acme', max: 'acme', eve: 'umbrella' };
/** What the sign-in answers: `session` tells two of one person apart. */
const granted = (who: string, session: string, expires_in = 3600) => ({
  access_token: `access of ${session}`,
  refresh_token: `refresh of ${session}`,
  expires_in,
  user: { id: who, email: `${who}@x.example`, user_metadata: { name: who } },
});
async function signIn(store: SessionStore, who: string, session = who, seconds = 3600): Promise<void> {
  const done = store.signIn(`${who}@x.example`, 'secret');
  (await next(password)).answer(200, granted(who, session, seconds));
  (await next(company)).answer(200, { id: companies[who], name: companies[who], role: 'admin' });
  await done;
}
const keptAccess = () => (JSON.parse(stored.get(key) ?? '{}') as { access?: string }).access;
const seen = (store: SessionStore) => store.state().user?.id;
/** As a view has it from `useSession`. */
const viewOf = (store: SessionStore, state: SessionState = store.state()) => ({
  ...state,
  backend: store.backend!,
  token: async (options?: { renew?: boolean }) => await state.account?.token(options),
});

test('of two sign-ins at once the later one counts, however slow; the other’s session is ended', async () => {
  for (const slow of ['password', 'company'] as const) {
    const store = tab();
    const first = expect(store.signIn('ada@x.example', 'secret')).rejects.toMatchObject({ code: 'overtaken' });
    let late = await next(password);
    if (slow === 'company') {
      late.answer(200, granted('ada', 'ada'));
      late = await next(company);
    }
    await signIn(store, 'max');
    late.answer(200, slow === 'company' ? { id: 'acme', role: 'admin' } : granted('ada', 'ada'));
    await first;
    expect((await next(logout)).headers['authorization']).toBe('Bearer access of ada');
    expect([seen(store), keptAccess()]).toEqual(['max', 'access of max']);
    await nothingAsked();
    stored.clear();
  }
});

test.each(['signed in in another tab', 'signed out here'])('a sign-in is overtaken by who %s', async (how) => {
  const store = tab();
  const first = expect(store.signIn('ada@x.example', 'secret')).rejects.toMatchObject({ code: 'overtaken' });
  const late = await next(password);
  if (how === 'signed out here') await store.signOut();
  else {
    await signIn(tab(), 'max');
    tell();
  }
  const before = keptAccess();
  late.answer(200, granted('ada', 'ada'));
  await first;
  await next(logout);
  expect(keptAccess()).toBe(before);
});

test('a renewal does not bring back who signed out in another tab, nor answers with their token', async () => {
  const [a, b] = [tab(), tab()];
  await signIn(a, 'ada');
  tell();
  jest.setSystemTime(Date.now() + hour - 30_000);
  const token = a.state().account!.token();
  const answer = await next(renewal);
  const leaving = b.signOut();
  await next(logout);
  await leaving;
  // Before the storage event.
  answer.answer(200, granted('ada', 'ada renewed'));
  expect(await token).toBeUndefined();
  expect([stored.size, a.state().status]).toEqual([0, 'out']);
});

test('signed out and in again while a renewal is on its way: the new session stays, and its token is given', async () => {
  const store = tab();
  await signIn(store, 'ada', 'first', 50);
  const old = store.state().account!.token();
  const late = await next(renewal);
  await store.signOut();
  await next(logout);
  await signIn(store, 'ada', 'second');
  late.answer(200, granted('ada', 'first renewed'));
  expect(await old).toBe('access of second');
  expect(keptAccess()).toBe('access of second');
  expect(await store.state().account!.token()).toBe('access of second');
});

test.each([
  ['no answer', undefined],
  ['a refusal', 400],
  ['a token', 200],
])('a renewal that ends with %s gives nothing of, and takes nothing from, who signed in since', async (_, status) => {
  const store = tab();
  await signIn(store, 'ada', 'ada', 50);
  const direct = store.token();
  const bound = store.state().account!.token();
  const late = await next(renewal);
  await store.signOut();
  await next(logout);
  await signIn(store, 'eve', 'eve', 50);
  // Not the renewal that is on its way.
  const theirs = store.token();
  const own = await next(renewal);
  if (status === undefined) late.fail();
  else late.answer(status, status === 200 ? granted('ada', 'ada renewed') : { error_code: 'gone', msg: 'gone' });
  expect([await direct, await bound]).toEqual([undefined, undefined]);
  own.answer(200, granted('eve', 'eve renewed'));
  expect(await theirs).toBe('access of eve renewed');
  expect([seen(store), keptAccess()]).toEqual(['eve', 'access of eve renewed']);
});

test('without an answer the old token is good until it expires; a refusal signs out', async () => {
  const store = tab();
  await signIn(store, 'ada', 'ada', 50);
  const offline = store.token();
  (await next(renewal)).fail();
  expect(await offline).toBe('access of ada');
  const refused = store.token();
  (await next(renewal)).answer(400, {});
  expect(await refused).toBeUndefined();
  expect([stored.size, store.state().status]).toEqual([0, 'out']);
});

test('what is known of the company since does not bring back who signed out in another tab', async () => {
  const b = tab();
  await signIn(b, 'ada');
  const a = tab();
  const answer = await next(company);
  const leaving = b.signOut();
  await next(logout);
  await leaving;
  answer.answer(200, { id: 'other', name: 'Other', role: 'member' });
  await settled();
  expect(stored.size).toBe(0);
  expect(seen(a)).toBe('ada');
  tell();
  expect(a.state().status).toBe('out');
});

test('signing out with an expired token renews it to end the session; here it is over at once', async () => {
  const store = tab();
  await signIn(store, 'ada');
  jest.setSystemTime(Date.now() + hour + 1000);
  await store.signOut();
  expect([stored.size, store.state().status]).toEqual([0, 'out']);
  const renewed = await next(renewal);
  expect(renewed.body).toEqual({ refresh_token: 'refresh of ada' });
  renewed.answer(200, granted('ada', 'ada renewed'));
  expect((await next(logout)).headers['authorization']).toBe('Bearer access of ada renewed');
  await settled();
  expect([stored.size, store.state().status]).toEqual([0, 'out']);

  await signIn(store, 'ada');
  jest.setSystemTime(Date.now() + hour + 1000);
  await store.signOut();
  (await next(renewal)).fail();
  await nothingAsked();
});

test('signing out as one person does not sign out another', async () => {
  const store = tab();
  await signIn(store, 'max');
  await store.signOut({ id: 'ada', email: '', name: 'ada' });
  expect(seen(store)).toBe('max');
  await nothingAsked();
});

test('a call names its company, and is not made under the name of who signed in since', async () => {
  const store = tab();
  await signIn(store, 'ada');
  const ofAda = viewOf(store);
  const call = callFunction<unknown>(ofAda, 'config/flags');
  const first = await next('/functions/v1/config/flags');
  expect(first.headers).toMatchObject({ authorization: 'Bearer access of ada', 'x-tierwise-company': 'acme' });
  first.answer(200, []);
  await call;

  // Waits for a renewal while Eve signs in, and so does one that a 401 sends for a fresh token.
  jest.setSystemTime(Date.now() + hour);
  const waiting = expect(callFunction(ofAda, 'config/flags', { body: {} })).rejects.toMatchObject({
    code: 'signed-out',
  });
  const late = await next(renewal);
  await store.signOut();
  (await next(renewal)).fail();
  await signIn(store, 'eve');
  late.answer(200, granted('ada', 'ada renewed'));
  await waiting;
  await expect(callFunction(ofAda, 'config/flags')).rejects.toMatchObject({ status: 0, code: 'signed-out' });
  await nothingAsked();

  const ofEve = viewOf(store);
  const stale = expect(callFunction(ofEve, 'config/flags')).rejects.toMatchObject({ code: 'signed-out' });
  const refused = await next('/functions/v1/config/flags');
  await store.signOut();
  await next(logout);
  await signIn(store, 'max');
  refused.answer(401, { error: 'expired', code: 'token-expired' });
  await stale;
  await nothingAsked();
});

test('where nothing can be stored a session is renewed all the same, in its tab', async () => {
  const store = tab();
  full = true;
  await signIn(store, 'ada', 'ada', 50);
  const token = store.token();
  (await next(renewal)).answer(200, granted('ada', 'ada renewed'));
  expect(await token).toBe('access of ada renewed');
  expect([seen(store), stored.size]).toEqual(['ada', 0]);
});
