/**
 * The OpenAI-compatible provider of the environment: its list of models with the key, and where a model is named (or there is
 * but one) a short reply that is really generated. The key goes to that address and nowhere else.
 */
import { ask, asRecord, textAt } from './ask.js';
import { counted, type Finding, kGraceMs, type Limits, seconds, type Step, Trouble } from './check.js';

export interface ProviderOptions {
  /** Without `/v1`. */
  url: string;
  key: string | undefined;
  model: string | undefined;
  limits: Limits;
}

const kMostTokens = 16;

export async function checkProvider({ url, key, model, limits }: ProviderOptions, step: Step): Promise<void> {
  await step('provider', limits.askMs + limits.replyMs + kGraceMs, async (signal) => {
    const base = /\/v1$/.test(url) ? url : `${url}/v1`;
    const { host } = new URL(base);
    const token = key?.trim();
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
      throw new Trouble('OPENAI_API_KEY has characters that no key has.', 'Copy the key again, in one piece.');
    const { status, json, isPage } = await ask(`${base}/models`, limits.askMs, signal, {
      headers: { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
    if (status === 401 || status === 403)
      throw new Trouble(
        token === undefined ? `${host} asks for a key.` : `${host} does not accept OPENAI_API_KEY.`,
        token === undefined ? 'Set OPENAI_API_KEY.' : 'Make another key there, and set OPENAI_API_KEY.',
      );
    const { data } = asRecord(json);
    if (status !== 200 || !Array.isArray(data))
      throw new Trouble(
        `${host} answers /v1/models with ${isPage ? 'a web page' : 'no list of models'} (${String(status)}).`,
        'Look at TIERWISE_OPENAI_URL.',
      );
    const ids = (data as unknown[]).flatMap((each) => textAt(each, 'id') ?? []);
    const listed = `${host} lists ${counted(ids.length, 'model', 'models')}`;
    const asked = model ?? (ids.length === 1 ? ids[0] : undefined);
    if (asked === undefined)
      return {
        status: 'ok',
        message: `${listed}. Set TIERWISE_OPENAI_MODEL to have one answer.`,
        details: { url: base, models: ids.slice(0, 100) },
      };
    return generate(base, token, asked, { listed, limits, signal });
  });
}

async function generate(
  base: string,
  token: string | undefined,
  model: string,
  { listed, limits, signal }: { listed: string; limits: Limits; signal: AbortSignal },
): Promise<Finding> {
  const { createClient } = await import('../../index.js');
  const client = createClient({
    providers: { openai: { baseUrl: base, model, ...(token !== undefined && { token }) } },
    cache: false,
    storage: 'memory',
    timeouts: { total: limits.replyMs },
  });
  try {
    const options = { maxTokens: kMostTokens, temperature: 0, cache: false, signal } as const;
    const { content, trace } = await client.stream('Reply with the single word: ready', options).reply;
    const first = trace.firstPart === undefined ? '' : `first part after ${seconds(trace.firstPart)}, `;
    return {
      status: content.trim() === '' ? 'failed' : 'ok',
      message: `${listed}. ${model} answered: ${first}all after ${seconds(trace.total)}.${content.trim() === '' ? ' But there was no text in it.' : ''}`,
      ...(content.trim() !== '' && { said: content }),
      details: { url: base, model, firstPartMs: trace.firstPart, totalMs: trace.total, sample: content },
    };
  } catch (error) {
    throw new Trouble(
      `${listed}. ${error instanceof Error ? error.message : String(error)}`,
      'Look at TIERWISE_OPENAI_MODEL and at what the key may call.',
    );
  } finally {
    client.close();
  }
}
