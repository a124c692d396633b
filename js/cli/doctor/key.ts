/** Whether the Hub accepts HUGGINGFACE_API_KEY, which is sent nowhere else and never shown. */
import { asRecord, ask, textAt } from './ask.js';
import { type Finding, kGraceMs, type Limits, type Step } from './check.js';

const settingsPage = 'https://huggingface.co/settings/tokens';

export interface KeyOptions {
  /** As it stands in the environment. */
  key: string | undefined;
  /** It also stands in VITE_HUGGINGFACE_API_KEY, which bundlers copy into pages. */
  inPages: boolean;
  hubUrl: string;
  limits: Limits;
}

export async function checkKey({ key, inPages, hubUrl, limits }: KeyOptions, step: Step): Promise<void> {
  await step('key', limits.askMs + kGraceMs, async (signal) => {
    const exposed: Pick<Finding, 'message' | 'advice'> | undefined = inPages
      ? {
          message: 'VITE_HUGGINGFACE_API_KEY is set: a bundler copies it into the page, where everybody can read it.',
          advice: 'Remove it, revoke that key, and set HUGGINGFACE_API_KEY for the functions only.',
        }
      : undefined;
    if (key === undefined)
      return exposed === undefined
        ? { status: 'skipped', message: 'Not given.', advice: 'Set HUGGINGFACE_API_KEY.' }
        : { status: 'failed', ...exposed };
    const finding = await look(key, hubUrl, limits, signal);
    if (exposed === undefined) return finding;
    return {
      ...finding,
      status: finding.status === 'ok' ? 'warning' : finding.status,
      message: `${finding.message} ${exposed.message}`,
      advice: [finding.advice, exposed.advice].filter((text) => text !== undefined).join(' '),
    };
  });
}

async function look(key: string, hubUrl: string, limits: Limits, signal: AbortSignal): Promise<Finding> {
  const mistake = mistakeIn(key);
  if (mistake !== undefined) return { status: 'failed', ...mistake };
  const { host } = new URL(hubUrl);
  const { status, json, isPage } = await ask(`${hubUrl}/api/whoami-v2`, limits.askMs, signal, {
    headers: { authorization: `Bearer ${key.trim()}`, accept: 'application/json' },
  });
  if (status === 401 || status === 403)
    return {
      status: 'failed',
      message: 'The Hub does not accept HUGGINGFACE_API_KEY.',
      advice: `It was revoked, has expired, or was not copied whole: make another at ${settingsPage}.`,
    };
  if (status === 429)
    return {
      status: 'warning',
      message: 'The Hub takes no more requests for now (429).',
      advice: 'Try again in 5 minutes.',
    };
  const name = textAt(json, 'name');
  if (status !== 200 || name === undefined)
    return {
      status: 'failed',
      message: `${host} answered with ${isPage ? 'a web page' : 'something else than a name'} (status ${String(status)}).`,
      advice:
        status >= 500
          ? 'The Hub is in trouble: try again later.'
          : 'Look at TIERWISE_HUB_URL, and at proxies between here and the Hub.',
    };
  const role = textAt(json, 'auth', 'accessToken', 'role');
  const details = { name, type: textAt(json, 'type'), role };
  if (key !== key.trim())
    return {
      status: 'warning',
      message: `The Hub accepts HUGGINGFACE_API_KEY (${name}) without the spaces around it.`,
      advice: 'Take the spaces or line ends around it away: other programs send them along.',
      details,
    };
  if (role === 'fineGrained' && !mayInfer(json))
    return {
      status: 'warning',
      message: `The Hub accepts HUGGINGFACE_API_KEY (${name}), but it may not call inference providers.`,
      advice: `Give it "Make calls to Inference Providers" at ${settingsPage}, unless only Spaces are called with it.`,
      details,
    };
  return {
    status: 'ok',
    message: `The Hub accepts HUGGINGFACE_API_KEY: ${name}${role === undefined ? '' : `, ${role}`}.`,
    details,
  };
}

/** What people get wrong when they copy a key; such a key is sent to nobody. */
function mistakeIn(key: string): { message: string; advice: string } | undefined {
  const text = key.trim();
  const wrong = (what: string, advice: string) => ({ message: `HUGGINGFACE_API_KEY ${what}.`, advice });
  if (/^(["'`]).*\1$/.test(text)) return wrong('has quotation marks around it', 'Take them away.');
  if (/^bearer\b/i.test(text)) return wrong('begins with "Bearer"', 'Leave that word out: only the key itself, hf_….');
  if (/\s/.test(text)) return wrong('has spaces or line ends in it', 'Copy the key again, in one piece.');
  if (/^sk-/.test(text))
    return wrong('is an OpenAI key', 'That one is OPENAI_API_KEY; a key of Hugging Face begins with hf_.');
  if (!text.startsWith('hf_')) return wrong('does not begin with hf_', `Copy the access token from ${settingsPage}.`);
  if (!/^[\x21-\x7e]+$/.test(text)) return wrong('has characters that no key has', 'Copy the key again.');
  if (text.length < 20) return wrong('is too short for a key', 'Copy the key again, whole.');
  return undefined;
}

/** By the permissions that the Hub lists for a fine-grained token. True where it lists none that we could read. */
function mayInfer(whoami: unknown): boolean {
  const { fineGrained } = asRecord(asRecord(asRecord(whoami)['auth'])['accessToken']);
  const { global, scoped } = asRecord(fineGrained);
  const named: unknown[] = [];
  if (Array.isArray(global)) named.push(...(global as unknown[]));
  if (Array.isArray(scoped)) {
    for (const scope of scoped as unknown[]) {
      const { permissions } = asRecord(scope);
      if (Array.isArray(permissions)) named.push(...(permissions as unknown[]));
    }
  } else return true;
  return named.some((permission) => typeof permission === 'string' && permission.startsWith('inference.'));
}
