/**
 * The `VITE_…` variables of the requirements -> `ClientConfig`. The API key is for servers only: in a browser it is
 * refused, because a bundler copies every `VITE_…` value into the page.
 */
import { isBrowser } from './config.js';
import { ConfigError } from './errors.js';
import type { ClientConfig, SpaceConfig } from './types.js';

export function configFromEnv(env: Record<string, string | boolean | undefined>): ClientConfig {
  const read = (name: string): string | undefined => {
    const value = env[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const organisation = read('VITE_HUGGINGFACE_ORG');
  const key = read('VITE_HUGGINGFACE_API_KEY');
  if (key !== undefined && isBrowser()) {
    throw new ConfigError(
      'VITE_HUGGINGFACE_API_KEY',
      'must not reach a browser: everyone who opens the page can read it. Remove it from the front end and use proxyUrl (VITE_TIERWISE_PROXY_URL).',
      'browser-token',
    );
  }
  // The requirements name these defaults; they need an owner.
  const space = (name: string, standard?: string): SpaceConfig | undefined => {
    const value = read(name) ?? (organisation === undefined ? undefined : standard);
    if (value === undefined) return undefined;
    const full = /[/:]/.test(value) ? value : undefined;
    if (full === undefined && organisation === undefined) {
      throw new ConfigError(
        name,
        `"${value}" has no owner: set VITE_HUGGINGFACE_ORG, or write owner/name or a full URL.`,
      );
    }
    return { url: full ?? `${organisation!}/${value}`, ...(key !== undefined && { token: key }) };
  };
  const base = space('VITE_HF_BASE_SPACE', 'company-base-llm');
  const company = space('VITE_HF_COMPANY_SPACE', 'company-specific-llm');
  const abstraction = space('VITE_HF_ABSTRACTION_SPACE', 'company-abstraction-llm');
  const user = space('VITE_HF_USER_SPACE');
  const proxyUrl = read('VITE_TIERWISE_PROXY_URL');
  return {
    spaces: {
      ...(base && { base }),
      ...(company && { company }),
      ...(abstraction && { abstraction }),
      ...(user && { user }),
    },
    ...(proxyUrl !== undefined && { proxyUrl }),
  };
}
