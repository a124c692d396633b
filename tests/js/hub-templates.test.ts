/** A model's own template from its repository: which file counts, what its tokens are, when the Hub is asked again. */
import { Http } from '../../js/http.ts';
import { HubTemplates, templateFor, type TemplateMemory } from '../../js/prompt/hub-templates.ts';
import { hubFiles } from '../../js/transports/hub-files.ts';
import { FakeClock } from './fake-clock.ts';

const hubUrl = 'https://hub.example';
const { signal } = new AbortController();

/** A Hub with one repository, `acme/chat`, whose files and commit may be changed. */
class Repository {
  files: Record<string, string>;
  sha = 'a'.repeat(40);
  down = false;
  /** Refuses what comes without a token. */
  gated = false;
  readonly asked: string[] = [];

  constructor(files: Record<string, string>) {
    this.files = files;
  }

  readonly fetch = (async (url: string, init: RequestInit = {}) => {
    if (this.down) throw new TypeError('Failed to fetch');
    const { pathname } = new URL(url);
    const token = new Headers(init.headers).get('authorization');
    this.asked.push(`${pathname} ${init.redirect ?? ''}${token === null ? '' : ' with a token'}`);
    await Promise.resolve();
    if (pathname.startsWith('/api/models/acme/chat/revision/')) {
      return this.gated && token === null
        ? new Response('{"error":"gated"}', { status: 401 })
        : new Response(JSON.stringify({ sha: this.sha }), { headers: { 'content-type': 'application/json' } });
    }
    const found = new RegExp(`^/acme/chat/(?:resolve|raw)/${this.sha}/(.*)$`).exec(pathname);
    const file = found === null ? undefined : this.files[found[1]!];
    if (this.gated && token === null) return new Response('', { status: 401 });
    return file === undefined ? new Response('', { status: 404 }) : new Response(file);
  }) as typeof fetch;
}

function bench(
  repository: Repository,
  { token, memory, clock = new FakeClock() }: { token?: string; memory?: TemplateMemory; clock?: FakeClock } = {},
) {
  const http = new Http({
    fetch: repository.fetch,
    clock,
    token,
    mayReceiveToken: (origin) => origin === hubUrl,
    credentials: 'omit',
    maxReplyBytes: 1 << 23,
    timeouts: { firstChunk: 1000, stall: 1000 },
  });
  const changed: string[] = [];
  const templates = new HubTemplates(
    hubFiles(hubUrl, http),
    () => clock.now(),
    (name) => changed.push(name),
    memory,
  );
  return { changed, clock, find: (name = 'acme/chat') => templates.find(name, 'main', signal) };
}

const config = (more: object) =>
  JSON.stringify({ bos_token: '<s>', eos_token: { content: '</s>', lstrip: false }, ...more });

describe('which template', () => {
  test.each([
    [
      'the file stands above the field',
      { 'chat_template.jinja': 'file', 'tokenizer_config.json': config({ chat_template: 'field' }) },
      'file',
      'file',
    ],
    [
      'the file for tools',
      {
        'chat_template.jinja': 'file',
        'additional_chat_templates/tool_use.jinja': 'tools',
        'tokenizer_config.json': '{}',
      },
      'file',
      'tools',
    ],
    ['a field that is text', { 'tokenizer_config.json': config({ chat_template: 'field' }) }, 'field', 'field'],
    [
      'a field that is a list',
      {
        'tokenizer_config.json': config({
          chat_template: [
            { name: 'tool_use', template: 'tools' },
            { name: 'default', template: 'field' },
            { name: 5, template: 'x' },
          ],
        }),
      },
      'field',
      'tools',
    ],
    [
      'a list without a default',
      { 'tokenizer_config.json': config({ chat_template: [{ name: 'rag', template: 'rag' }] }) },
      'rag',
      'rag',
    ],
    ['the old file', { 'chat_template.json': '{"chat_template":"old"}', 'tokenizer_config.json': '{}' }, 'old', 'old'],
    ['the file alone', { 'chat_template.jinja': 'file' }, 'file', 'file'],
  ])('%s', async (_, files, plain, withTools) => {
    const found = await bench(new Repository(files)).find();
    expect(templateFor(found, false)).toBe(plain);
    expect(templateFor(found, true)).toBe(withTools);
  });

  test('tokens, as texts or objects, each special one once', async () => {
    const repository = new Repository({
      'tokenizer_config.json': config({
        chat_template: 'x',
        pad_token: null,
        additional_special_tokens: ['<|a|>', { content: '<|b|>' }, 7],
        added_tokens_decoder: {
          0: { content: '<s>', special: true },
          9: { content: '<|c|>', special: true },
          10: { content: 'word', special: false },
        },
      }),
    });
    const { bos, eos, special } = await bench(repository).find();
    expect({ bos, eos, special }).toEqual({
      bos: '<s>',
      eos: '</s>',
      special: ['<s>', '</s>', '<|a|>', '<|b|>', '<|c|>'],
    });
  });

  test.each([
    ['no such repository', 'acme/none', {}, /acme\/none is not on the Hub, or is private/],
    ['no template in it', 'acme/chat', { 'tokenizer_config.json': '{"bos_token":"<s>"}' }, /has no chat template/],
    ['nothing in it', 'acme/chat', {}, /has no chat template/],
    [
      'a configuration that is none',
      'acme/chat',
      { 'tokenizer_config.json': 'oops' },
      /tokenizer_config\.json that is no JSON object/,
    ],
    [
      'a template that is none',
      'acme/chat',
      { 'tokenizer_config.json': '{"chat_template":{"a":1}}' },
      /has no chat template/,
    ],
    ['one too large', 'acme/chat', { 'chat_template.jinja': 'x'.repeat(1_000_001) }, /has no chat template/],
  ])('%s: what to set instead', async (_, name, files, message) => {
    const asked = bench(new Repository(files)).find(name);
    await expect(asked).rejects.toMatchObject({ code: 'no-template', field: 'template' });
    await expect(asked).rejects.toThrow(message);
  });
});

describe('asking the Hub', () => {
  const files = { 'chat_template.jinja': 'one' };

  test('files by commit, along redirects, without the token; callers share one question', async () => {
    const repository = new Repository(files);
    const { find } = bench(repository, { token: 'hf_secret' });
    await Promise.all([find(), find()]);
    await find();
    const sha = repository.sha;
    expect(repository.asked).toEqual([
      '/api/models/acme/chat/revision/main manual with a token',
      `/acme/chat/resolve/${sha}/chat_template.jinja follow`,
      `/acme/chat/resolve/${sha}/additional_chat_templates/tool_use.jinja follow`,
      `/acme/chat/resolve/${sha}/tokenizer_config.json follow`,
      `/acme/chat/raw/${sha}/additional_chat_templates/tool_use.jinja manual with a token`,
      `/acme/chat/raw/${sha}/tokenizer_config.json manual with a token`,
    ]);
  });

  test('a gated repository, with a token that may see it', async () => {
    const repository = new Repository(files);
    repository.gated = true;
    expect((await bench(repository, { token: 'hf_secret' }).find()).templates).toEqual({ default: 'one' });
    await expect(bench(repository).find()).rejects.toMatchObject({ code: 'no-template' });
  });

  test('the commit again after an hour, the files only when it moved; a new template is told of', async () => {
    const repository = new Repository(files);
    const { find, clock, changed } = bench(repository);
    await find();
    const asked = repository.asked.length;
    await clock.advance(3_600_001);
    await find();
    expect(repository.asked.length).toBe(asked + 1);
    // Another commit that changed other files.
    repository.sha = 'b'.repeat(40);
    await clock.advance(3_600_001);
    await find();
    expect(changed).toEqual([]);
    repository.sha = 'c'.repeat(40);
    repository.files = { 'chat_template.jinja': 'two' };
    await clock.advance(3_600_001);
    expect((await find()).templates).toEqual({ default: 'two' });
    expect(changed).toEqual(['acme/chat@main']);
  });

  test('what is kept serves while the Hub is down, also in the next page', async () => {
    const kept = new Map<string, unknown>();
    const memory: TemplateMemory = {
      get: (key) => Promise.resolve(kept.get(key)),
      set: (key, value) => Promise.resolve(void kept.set(key, structuredClone(value))),
    };
    const repository = new Repository(files);
    await bench(repository, { memory }).find();
    repository.down = true;
    expect((await bench(repository, { memory }).find()).templates).toEqual({ default: 'one' });
    await expect(bench(repository).find()).rejects.toMatchObject({ facts: { kind: 'network' } });
    // Changed since that page: told of in this one.
    repository.down = false;
    repository.sha = 'd'.repeat(40);
    repository.files = { 'chat_template.jinja': 'three' };
    const next = bench(repository, { memory });
    expect((await next.find()).templates).toEqual({ default: 'three' });
    expect(next.changed).toEqual(['acme/chat@main']);
  });

  test.each([
    ['of another shape', { sha: 1 }],
    ['without templates', { sha: 'a', templates: {}, bos: '', eos: '', special: [] }],
    ['a text', 'x'],
  ])('kept data that is %s is no template', async (_, value) => {
    const memory: TemplateMemory = { get: () => Promise.resolve(value), set: () => Promise.reject(new Error('full')) };
    const repository = new Repository(files);
    expect((await bench(repository, { memory }).find()).templates).toEqual({ default: 'one' });
  });
});
