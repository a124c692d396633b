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
export type { ChatMessage } from './prompt/chat-messages.js';
export { countTokens, type CountOptions, type TokenCount } from './prompt/count-tokens.js';
export {
  type ChatBudget,
  type ChatOptions,
  type Dropped,
  formatChat,
  type FormattedChat,
  type PromptWarning,
} from './prompt/format-chat.js';
export { renderChatTemplate, type RenderOptions } from './prompt/render-chat-template.js';
export { sharedMemoryStore } from './store/memory.js';
export type { CacheRecord, RemoteChange, Store, StoredReply } from './store/store.js';
export type * from './types.js';
export { tiers } from './types.js';
