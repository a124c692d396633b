export { createClient } from './client.js';
export { configFromEnv } from './config-from-env.js';
export {
  AbortedError,
  CallError,
  type CallAttempt,
  ConfigError,
  LoadError,
  NotCachedError,
  RequestError,
  TemplateError,
  TierwiseError,
} from './errors.js';
export type { FailureClass, ForgetRequest } from './core-types.js';
export { countTokens, formatChat, renderChatTemplate } from './prompt/functions.js';
export type * from './prompt/prompt-types.js';
export { sharedMemoryStore } from './store/memory.js';
export type { CacheRecord, RemoteChange, Store, StoredReply } from './store/store.js';
export type * from './types.js';
export { tiers } from './types.js';
