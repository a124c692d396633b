/** Type test, compiled and never run: what a strict TypeScript project sees. Lines marked as errors must be errors. */
import * as everything from 'tierwise';
import {
  AbortedError,
  CallError,
  ConfigError,
  LoadError,
  NotCachedError,
  RequestError,
  TierwiseError,
  type Client,
  type ClientConfig,
  type Reply,
  type ReplyStream,
  type Tier,
  type UsageEvent,
  configFromEnv,
  createClient,
  sharedMemoryStore,
  tiers,
} from 'tierwise';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

const config: ClientConfig = {
  spaces: { base: { url: 'owner/name', token: async () => 'short-lived', inputs: { prompt: 'message', history: 1 } } },
  providers: { openai: { model: 'm' }, mock: true },
  partition: { tenant: 't', user: 'u', locale: 'en' },
  cache: false,
  storage: () => Promise.resolve(sharedMemoryStore()),
};
const client: Client = createClient(config);
createClient(configFromEnv({ VITE_HF_BASE_SPACE: 'owner/name', DEV: true }));

// generate: the positional form and the options form.
const positional = client.generate('prompt', 'company', { industry: 'healthcare' }, { temperature: 0 });
const withOptions = client.generate('prompt', { tier: 'user', signal: new AbortController().signal });
const queried = client.query('input', { useCompanyModel: true, companyId: 'c', anything: 1 });
holds<Same<typeof positional, Promise<Reply>>>();
holds<Same<typeof withOptions, Promise<Reply>>>();
holds<Same<typeof queried, Promise<Reply>>>();
void [withOptions, queried];
// @ts-expect-error: a prompt is text
void client.generate(1);
// @ts-expect-error: there are four tiers
void client.generate('prompt', 'premium');
// @ts-expect-error: not an option
void client.generate('prompt', { temprature: 1 });
// @ts-expect-error: there is no default export
void everything.default;
// @ts-expect-error: not a setting
createClient({ space: {} });

// Reply
async function read(): Promise<void> {
  const reply = await positional;
  holds<Same<typeof reply.content, string>>();
  holds<Same<typeof reply.role, 'assistant'>>();
  holds<Same<typeof reply.source, 'space' | 'openai' | 'router' | 'mock' | 'cache'>>();
  holds<Same<typeof reply.tier, Tier>>();
  holds<Same<typeof reply.cost, number | undefined>>();
  holds<Same<typeof reply.age, number>>();
  holds<Same<(typeof reply.trace.steps)[number]['because'], string>>();

  void reply;
  const stream: ReplyStream = client.stream('prompt');
  for await (const part of stream) {
    if (part.type === 'status') holds<Same<typeof part.status.message, string>>();
    else holds<Same<typeof part.text, string>>();
  }
  holds<Same<typeof stream.reply, Promise<Reply>>>();
  holds<Same<typeof tiers, readonly Tier[]>>();
  const stop = client.on('usage', ({ cost, kind }: UsageEvent) => void [cost, kind]);
  stop();
  // @ts-expect-error: no such event
  client.on('tokens', () => undefined);
}

// Errors narrow by isInstance and by class.
function explain(error: unknown): string {
  if (error instanceof CallError)
    return `${error.class} ${error.attempts.length} ${error.partial ?? ''} ${error.retryAt ?? 0}`;
  if (error instanceof ConfigError) return error.field;
  if (error instanceof RequestError) return error.field ?? '';
  if (error instanceof AbortedError) return error.partial ?? '';
  if (error instanceof LoadError || error instanceof NotCachedError) return error.message;
  return TierwiseError.isInstance(error) ? error.code : '';
}
export { explain, read };
