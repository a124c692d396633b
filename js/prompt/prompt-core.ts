/** The core that serves the functions of prompts outside of any client: one for the page, opened when first asked for. */
import type { Core } from '../core.js';
import { openCore } from '../load-core.js';

export type FindCore = () => Core | Promise<Core>;

let opening: Promise<Core> | undefined;
let opened: Core | undefined;

/** Errors: LoadError, and the next call tries again. */
export function promptCore(): Core | Promise<Core> {
  if (opened?.usable === true) return opened;
  if (opened !== undefined) opened = opening = undefined;
  return (opening ??= open());
}

async function open(): Promise<Core> {
  try {
    const core = await openCore({});
    await core.loadPrompts();
    return (opened = core);
  } catch (error) {
    opening = undefined;
    throw error;
  }
}
