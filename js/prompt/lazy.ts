/**
 * What only prompts need, in a file of its own (dist/prompts.js) that is loaded with the first of them. It takes the
 * error classes from index.js, and the core from whoever calls: scripts/build.mjs.
 */
export { TargetPrompts } from './target-prompts.js';
export { countTokens } from './count-tokens.js';
export { formatChat } from './format-chat.js';
export { renderChatTemplate } from './render-chat-template.js';
