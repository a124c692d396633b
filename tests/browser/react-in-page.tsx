/**
 * The hooks of `dist/react.js` in a page, under StrictMode, driven by a client whose every answer the test gives.
 * Bundled once for each React (the alias `react` decides which). `scenarios` is what `react.test.mjs` runs.
 */
import * as React from 'react';
import { createElement, StrictMode } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';

import { createClient } from '../../dist/index.js';
import {
  TierwiseProvider,
  useCache,
  useChat,
  useDecisions,
  useHealth,
  useReply,
  useSpaceStatus,
  useTierwise,
  useUsage,
} from '../../dist/react.js';
import type {
  CacheEntryInfo,
  Client,
  ClientEvents,
  Reply,
  RequestOptions,
  SpaceStatus,
  StreamPart,
} from '../../js/types.js';

export const reactVersion = React.version;

interface Call {
  prompt: string;
  options: RequestOptions;
  cancelled: boolean;
  push(...parts: StreamPart[]): void;
  finish(content: string): void;
  fail(error: Error): void;
}

/** A `Client` that does what the test says and counts who listens. */
class ScriptedClient {
  readonly calls: Call[] = [];
  readonly listeners = new Map<string, Set<(value: never) => void>>();
  spaces: SpaceStatus[] = [];
  entries: CacheEntryInfo[] = [];
  looks = 0;
  lists = 0;

  get client(): Client {
    return this as unknown as Client;
  }
  stream(prompt: string, options: RequestOptions = {}) {
    const waiting: StreamPart[] = [];
    let wake: () => void = () => undefined;
    let over = false;
    let settle: { resolve: (reply: Reply) => void; reject: (error: Error) => void };
    const reply = new Promise<Reply>((resolve, reject) => (settle = { resolve, reject }));
    const end = (how: () => void) => {
      if (over) return;
      over = true;
      how();
      wake();
    };
    const call: Call = {
      prompt,
      options,
      cancelled: false,
      push: (...parts) => {
        waiting.push(...parts);
        wake();
      },
      finish: (content) => end(() => settle.resolve(replyOf(content))),
      fail: (error) => end(() => settle.reject(error)),
    };
    this.calls.push(call);
    return {
      reply,
      cancel: () => {
        call.cancelled = true;
        end(() => settle.reject(Object.assign(new Error('aborted'), { name: 'AbortError' })));
      },
      async *[Symbol.asyncIterator]() {
        for (;;) {
          while (waiting.length > 0) yield waiting.shift()!;
          if (over) {
            await reply;
            return;
          }
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    };
  }
  on(event: string, listener: (value: never) => void) {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set.add(listener));
    return () => set.delete(listener);
  }
  emit<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]) {
    this.listeners.get(event)?.forEach((listener) => (listener as (value: ClientEvents[E]) => void)(value));
  }
  listening(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
  statuses() {
    return this.spaces.map((space) => ({ ...space }));
  }
  health() {
    this.looks++;
    return Promise.resolve([{ target: 'space:base', state: 'ready', successes: this.looks }]);
  }
  cache = {
    entries: ({ search }: { search?: string } = {}) => {
      this.lists++;
      return Promise.resolve(this.entries.filter(({ prompt }) => search === undefined || prompt.includes(search)));
    },
    edit: (id: string, { ttl }: { ttl: number }) => {
      const found = this.entries.some((entry) => entry.id === id);
      this.entries = this.entries.map((entry) => (entry.id === id ? { ...entry, expiresAt: ttl } : entry));
      return Promise.resolve(found);
    },
  };
  forget({ ids = [] }: { ids?: readonly string[] }) {
    this.entries = this.entries.filter(({ id }) => !ids.includes(id));
    return Promise.resolve({ entries: ids.length, bytes: 0, ids, dryRun: false });
  }
}

function replyOf(content: string): Reply {
  const trace = { startedAt: 0, total: 1, firstPart: 1, steps: [] };
  return { id: `reply of ${content}`, content, role: 'assistant', trace } as unknown as Reply;
}

const frame = () => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Waited 5 s in vain until ${what}.`);
    await frame();
  }
}

/** Renders `use` in a StrictMode tree; `now()` is what it gave in the last render. */
function show<T>(client: Client, use: () => T) {
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  const seen: { value: T; renders: number } = { value: undefined as T, renders: 0 };
  function Probe() {
    const value = use();
    seen.renders++;
    React.useEffect(() => {
      seen.value = value;
    });
    return null;
  }
  const render = (given: Client) =>
    root.render(
      createElement(StrictMode, null, createElement(TierwiseProvider, { client: given }, createElement(Probe))),
    );
  render(client);
  return { now: () => seen.value, renders: () => seen.renders, render, unmount: () => root.unmount() };
}

const text = (words: string): StreamPart => ({ type: 'text', text: words });
const brief = (messages: readonly { role: string; content: string; status: string }[]) =>
  messages.map(({ role, content, status }) => `${role} ${status}: ${content}`);
const status = (tier: 'base' | 'company', state: SpaceStatus['state']): SpaceStatus => ({
  target: `space:${tier}`,
  tier,
  state,
  message: state,
});

async function reply() {
  const scripted = new ScriptedClient();
  const probe = show(scripted.client, useReply);
  await until('the hook is there', () => probe.now() !== undefined);
  const states: string[] = [probe.now().status];

  const first = probe.now().ask('one', { temperature: 0 });
  await until('it waits', () => probe.now().status === 'waiting');
  scripted.calls[0]!.push({ type: 'status', status: status('base', 'queued') });
  await until('the queue shows', () => probe.now().spaceStatus?.state === 'queued');
  const before = probe.renders();
  for (let i = 0; i < 1000; i++) scripted.calls[0]!.push(text('x'));
  await until('all parts show', () => probe.now().text.length === 1000);
  const rendersFor1000Parts = probe.renders() - before;
  states.push(probe.now().status);
  scripted.calls[0]!.push({ type: 'replace', text: 'rewritten' });
  await until('a replacement replaces', () => probe.now().text === 'rewritten');
  scripted.calls[0]!.finish('whole');
  const resolved = (await first)?.content;
  await until('it is done', () => probe.now().status === 'done');
  const done = { text: probe.now().text, reply: probe.now().reply?.id, options: scripted.calls[0]!.options };

  const second = probe.now().ask('two');
  scripted.calls[1]!.push(text('half'));
  await until('half shows', () => probe.now().text === 'half');
  scripted.calls[1]!.fail(Object.assign(new Error('broke'), { code: 'cut-stream' }));
  const failed = { resolved: await second, ...(await settled(probe, 'error')) };

  const third = probe.now().ask('three');
  scripted.calls[2]!.push(text('some'));
  await until('some shows', () => probe.now().text === 'some');
  probe.now().cancel();
  const cancelled = {
    resolved: await third,
    ...(await settled(probe, 'cancelled')),
    told: scripted.calls[2]!.cancelled,
  };

  void probe.now().ask('four');
  void probe.now().ask('five');
  await until('five runs', () => scripted.calls.length === 5);
  const replaced = [scripted.calls[3]!.cancelled, scripted.calls[4]!.cancelled];
  scripted.calls[4]!.push(text('5'));
  await until('five shows', () => probe.now().text === '5');
  probe.now().reset();
  await until('it is as new', () => probe.now().status === 'idle' && probe.now().text === '');
  const resetCancelled = scripted.calls[4]!.cancelled;
  void probe.now().ask('six');
  await frame();
  probe.unmount();
  await until('unmounting cancels', () => scripted.calls[5]!.cancelled);
  return { states, rendersFor1000Parts, resolved, done, failed, cancelled, replaced, resetCancelled };
}
async function settled(probe: { now: () => ReturnType<typeof useReply> }, wanted: string) {
  await until(`it is ${wanted}`, () => probe.now().status === wanted);
  const { text: kept, error } = probe.now();
  return { text: kept, error: error?.message };
}

async function chat() {
  const scripted = new ScriptedClient();
  const probe = show(scripted.client, () =>
    useChat({
      system: 'Be brief.',
      start: [
        { role: 'user', content: 'before' },
        { role: 'assistant', content: 'earlier' },
      ],
    }),
  );
  await until('the hook is there', () => probe.now() !== undefined);
  const last = () => scripted.calls.at(-1)!;
  const idle = () => until('the chat is idle', () => probe.now().status === 'idle');
  const history = () => last().options.history?.map(({ content }) => content);

  void probe.now().send('one', { temperature: 0.2 });
  await until('it waits', () => probe.now().status === 'waiting');
  const firstCall = { history: history(), system: last().options.system, temperature: last().options.temperature };
  last().push(text('an'));
  await until('it streams', () => probe.now().status === 'streaming');
  const kept = probe.now().messages.slice(0, 3);
  last().push(text('swer'));
  await until('more shows', () => probe.now().messages[3]!.content === 'answer');
  const sameObjects = kept.every((message, at) => message === probe.now().messages[at]);
  last().finish('answer one');
  await idle();
  const withReply = probe.now().messages[3]!;
  const attached = { reply: withReply.reply?.id, trace: withReply.trace !== undefined };

  void probe.now().send('two');
  await until('it waits', () => probe.now().status === 'waiting');
  last().push(text('part of '));
  await until('a part shows', () => probe.now().messages.at(-1)!.content === 'part of ');
  last().fail(Object.assign(new Error('the line broke'), { trace: { steps: [] } }));
  await idle();
  const failed = {
    messages: brief(probe.now().messages),
    error: probe.now().messages.at(-1)!.error?.message,
    trace: probe.now().messages.at(-1)!.trace !== undefined,
  };

  void probe.now().send('three');
  await until('three is asked', () => last().prompt === 'three');
  const historyAfterFailure = history();
  probe.now().stop();
  await idle();
  const stopped = { cancelled: last().cancelled, message: brief(probe.now().messages).at(-1) };

  void probe.now().retry();
  await until('three is asked again', () => scripted.calls.length === 4);
  last().finish('answer three');
  await idle();
  const retried = { messages: brief(probe.now().messages), history: history() };

  void probe.now().regenerate();
  await until('three is asked afresh', () => scripted.calls.length === 5);
  const regenerated = last().options.cache;
  last().finish('new three');
  await idle();

  void probe.now().edit(probe.now().messages[2]!.id, 'one, edited');
  await until('the edit is asked', () => scripted.calls.length === 6);
  const edited = { messages: brief(probe.now().messages), history: history(), temperature: last().options.temperature };

  void probe.now().send('while running', { history: [] });
  await until('the first is stopped', () => scripted.calls.length === 7 && scripted.calls[5]!.cancelled);
  const standalone = history();
  const ids = probe.now().messages.map(({ id }) => id);
  probe.now().clear();
  await until('it is empty', () => probe.now().messages.length === 0);
  const cleared = { cancelled: last().cancelled, status: probe.now().status };
  void probe.now().send('last');
  await until('it runs', () => scripted.calls.length === 8);
  probe.unmount();
  await until('unmounting stops', () => last().cancelled);
  return {
    firstCall,
    sameObjects,
    attached,
    failed,
    historyAfterFailure,
    stopped,
    retried,
    regenerated,
    edited,
    standalone,
    uniqueIds: new Set(ids).size === ids.length,
    cleared,
    left: scripted.listening(),
  };
}

async function live() {
  const scripted = new ScriptedClient();
  scripted.spaces = [status('base', 'unknown')];
  const entry = (id: string) => ({ id, prompt: id }) as unknown as CacheEntryInfo;
  scripted.entries = [entry('a'), entry('b')];
  let wanted = 'b';
  const probe = show(scripted.client, () => ({
    all: useSpaceStatus(),
    base: useSpaceStatus('base'),
    company: useSpaceStatus('company'),
    decisions: useDecisions(3),
    usage: useUsage(2),
    health: useHealth(50),
    cache: useCache(),
    found: useCache({ search: wanted }),
  }));
  await until(
    'lists are there',
    () => probe.now()?.health.loaded && probe.now().cache.loaded && probe.now().found.loaded,
  );
  const start = {
    all: probe.now().all.length,
    base: probe.now().base?.state,
    company: probe.now().company,
    cache: probe.now().cache.entries.length,
  };
  const same = probe.now().all;
  await until('health is looked up again', () => scripted.looks > 3);
  const stable = probe.now().all === same;

  scripted.spaces = [status('base', 'ready'), status('company', 'sleeping')];
  scripted.emit('status', scripted.spaces[0]!);
  await until(
    'statuses follow',
    () => probe.now().base?.state === 'ready' && probe.now().company?.state === 'sleeping',
  );
  for (let i = 0; i < 5; i++) {
    scripted.emit('decision', { requestId: `r${String(i)}` } as unknown as ClientEvents['decision']);
    scripted.emit('usage', { eventId: `u${String(i)}` } as unknown as ClientEvents['usage']);
  }
  await until('events show', () => probe.now().usage.length === 2 && probe.now().decisions.length === 3);
  const events = [
    probe.now().decisions.map(({ requestId }) => requestId),
    probe.now().usage.map(({ eventId }) => eventId),
  ];

  scripted.entries = [...scripted.entries, entry('c')];
  const lists = scripted.lists;
  for (let i = 0; i < 50; i++) scripted.emit('cache', { entries: 3, bytes: 3 });
  await until('the cache follows', () => probe.now().cache.entries.length === 3);
  const listsFor50Events = scripted.lists - lists;
  const edited = [await probe.now().found.edit('b', { ttl: 7 }), await probe.now().found.edit('z', { ttl: 7 })];
  await until('the change shows', () => probe.now().found.entries[0]?.expiresAt === 7);
  const found = () => [probe.now().found.search, ...probe.now().found.entries.map(({ id }) => id)];
  const searched = [found()];
  wanted = 'c';
  probe.render(scripted.client);
  await until('the other search shows', () => probe.now().found.search === 'c');
  searched.push(found());
  await probe.now().cache.forget({ ids: ['a', 'b'] });
  await until('the deletion shows', () => probe.now().cache.entries.length === 1);

  const other = new ScriptedClient();
  other.spaces = [status('company', 'broken')];
  probe.render(other.client);
  await until(
    'the other client shows',
    () => probe.now().company?.state === 'broken' && probe.now().base === undefined,
  );
  const moved = { left: scripted.listening(), decisions: probe.now().decisions.length };
  probe.unmount();
  await until('nobody listens', () => other.listening() === 0);
  const looks = other.looks;
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { start, stable, events, listsFor50Events, edited, searched, moved, looksAfterUnmount: other.looks - looks };
}

/** A provider that makes its own client, with the real core: the mock provider answers. */
async function ownClient() {
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  const clients = new Set<Client>();
  let asked: ReturnType<typeof useReply> | undefined;
  function Probe() {
    const client = useTierwise();
    const state = useReply();
    React.useEffect(() => {
      clients.add(client);
      asked = state;
    });
    return null;
  }
  const config = { providers: { mock: { reply: 'from the mock', delayMs: 1 } } };
  const tree = (hidden: boolean) => {
    const provider = createElement(TierwiseProvider, { config: { ...config } }, createElement(Probe));
    const Activity = (
      React as unknown as { Activity?: React.ComponentType<{ mode: string; children: React.ReactNode }> }
    ).Activity;
    return createElement(
      StrictMode,
      null,
      Activity === undefined
        ? provider
        : createElement(Activity, { mode: hidden ? 'hidden' : 'visible', children: provider }),
    );
  };
  root.render(tree(false));
  await until('it is there', () => asked !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const first = (await asked!.ask('hello'))?.content;
  await frame();
  const firstError = asked!.error?.message;
  root.render(tree(false));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const clientsAfterRerender = clients.size;

  let afterHiding: string | undefined;
  if ('Activity' in React) {
    root.render(tree(true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    root.render(tree(false));
    await until('a new client is there', () => clients.size === 2);
    await frame();
    afterHiding = (await asked!.ask('again'))?.content;
  }
  root.unmount();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const closed = await Promise.all(
    [...clients].map((client) =>
      client.generate('too late').then(
        () => 'open',
        (error: { code?: string }) => error.code,
      ),
    ),
  );
  return { first, firstError, clientsAfterRerender, afterHiding, closed };
}

async function noProvider() {
  const errors: { code?: string; message: string }[] = [];
  class Boundary extends React.Component<{ children: React.ReactNode }, { failed: boolean }> {
    override state = { failed: false };
    static getDerivedStateFromError() {
      return { failed: true };
    }
    override componentDidCatch(error: Error) {
      errors.push(error);
    }
    override render() {
      return this.state.failed ? null : this.props.children;
    }
  }
  function Alone() {
    useTierwise();
    return null;
  }
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  root.render(createElement(Boundary, null, createElement(Alone)));
  await until('it failed', () => errors.length > 0);
  root.unmount();
  return { code: errors[0]!.code, message: errors[0]!.message };
}

/** Every hook in one component; the same on the server and in the page. */
export function Everything() {
  const { messages } = useChat({ start: [{ role: 'user', content: 'kept' }] });
  const { status: replyStatus } = useReply();
  const counts = [
    useSpaceStatus().length,
    useDecisions().length,
    useUsage().length,
    useHealth().targets.length,
    useCache().entries.length,
  ];
  return createElement('p', null, `${replyStatus} ${messages.map(({ content }) => content).join()} ${counts.join()}`);
}
export const onServer = () =>
  createElement(
    StrictMode,
    null,
    createElement(TierwiseProvider, { config: { spaces: { base: { url: 'owner/name' } } } }, createElement(Everything)),
  );

async function hydrate(html: string) {
  const container = document.body.appendChild(document.createElement('div'));
  container.innerHTML = html;
  const given = container.querySelector('p');
  const complaints: string[] = [];
  const root = hydrateRoot(container, onServer(), { onRecoverableError: (error) => complaints.push(String(error)) });
  await until('statuses are live', () => container.textContent!.includes(' 1,'));
  const kept = container.querySelector('p') === given;
  root.unmount();
  return { complaints, kept };
}

export const scenarios = { reply, chat, live, ownClient, noProvider, hydrate };

export { createClient };
