import type { ModelRequest, PromptHandlers, TextPrompt } from '../transports/transport.js';
import type { Message } from '../types.js';
import { plainPrompt, type PromptDeps, type PromptTarget } from './prompts.js';

export class TargetPrompts {
  constructor(_target: PromptTarget, _deps: PromptDeps) {}
  text(request: ModelRequest, _handlers: PromptHandlers): Promise<TextPrompt> {
    return Promise.resolve(plainPrompt(request));
  }
  messages(request: ModelRequest, _handlers: PromptHandlers): Promise<readonly Message[]> {
    return Promise.resolve(request.messages);
  }
}
