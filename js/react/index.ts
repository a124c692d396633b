/** `tierwise/react`: a provider and hooks for React 18 and 19. */
export { TierwiseProvider, type TierwiseProviderProps } from './provider.js';
export { useTierwise } from './use-tierwise.js';
export { useReply, type ReplyState, type ReplyStatus, type UseReply } from './use-reply.js';
export { useChat, type UseChat, type UseChatOptions } from './use-chat.js';
export type { ChatMessage, ChatSnapshot, ChatStart } from './chat.js';
export { useSpaceStatus } from './use-space-status.js';
export { useDecisions } from './use-decisions.js';
export { useHealth, type UseHealth } from './use-health.js';
export { useCache, type UseCache } from './use-cache.js';
export { useUsage } from './use-usage.js';
