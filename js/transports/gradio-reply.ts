/**
 * The reply of one Gradio job as it grows: whole outputs or diffs in, parts out. Parts add up to `text`: pure
 * appends are told as `text`, a rewritten text as `replace`. A diff that cannot be applied (4.44 sends wrong indices
 * for some deletions) ends the streaming quietly: the finished outputs are always sent whole and win.
 * Reading a text out of an output again costs its whole length: beyond `promptly` characters it is done when the edits
 * since add up to a 64th of it, so that small edits of a long text cannot keep the page busy.
 */
import type { Json, ReplyFile } from '../types.js';
import type { GradioComponent } from './gradio-config.js';
import { appendedText, applyDiff } from './gradio-diff.js';
import { finalText, outputFiles, outputText, textOutput } from './gradio-output.js';
import type { TransportPart } from './transport.js';

const promptly = 32 * 1024;

export class GradioReply {
  readonly #outputs: readonly GradioComponent[];
  readonly #onPart: (part: TransportPart) => void;
  readonly #place: number | undefined;
  #values: Json[] | undefined;
  #lost = false;
  #text = '';
  /** Characters of edits that the text does not show yet. */
  #unshown = 0;

  constructor(outputs: readonly GradioComponent[], onPart: (part: TransportPart) => void) {
    this.#outputs = outputs;
    this.#onPart = onPart;
    this.#place = textOutput(outputs);
  }

  get text(): string {
    return this.#text;
  }

  /** Outputs told whole. */
  whole(values: readonly Json[]): void {
    this.#values = [...values];
    this.#lost = false;
    this.#unshown = 0;
    this.#show();
  }

  /** Outputs told as edits, once they were told whole. `size`: characters of the message that told them. */
  edits(lists: readonly Json[], size: number): void {
    if (this.#values === undefined) return this.whole(lists);
    if (this.#lost) return;
    const place = this.#place;
    const current = place === undefined ? undefined : this.#values[place];
    const added = place === undefined ? undefined : appendedText(lists[place] ?? null);
    try {
      for (let index = 0; index < lists.length; index += 1) {
        this.#values[index] = applyDiff(this.#values[index] ?? null, lists[index] ?? []);
      }
    } catch {
      this.#lost = true;
      return;
    }
    // The commonest case needs no comparison of the whole text: it was the output, and grew.
    if (added !== undefined && typeof current === 'string' && this.#unshown === 0) {
      if (added !== '') this.#append(added);
      return;
    }
    this.#unshown += size;
    if (this.#text.length > promptly && this.#unshown < this.#text.length / 64) return;
    this.#unshown = 0;
    this.#show();
  }

  /** Finished outputs: the last word. */
  finish(values: readonly Json[], fileBase: string): { text: string; files?: readonly ReplyFile[] } {
    const text = finalText(this.#outputs, values);
    if (text !== undefined) this.#become(text);
    const files = outputFiles(this.#outputs, values, fileBase);
    return { text: this.#text, ...(files.length > 0 && { files }) };
  }

  #show(): void {
    if (this.#place === undefined) return;
    const text = outputText(this.#outputs[this.#place], this.#values?.[this.#place]);
    if (text !== undefined) this.#become(text);
  }

  #become(text: string): void {
    if (text === this.#text) return;
    if (text.startsWith(this.#text)) return this.#append(text.slice(this.#text.length));
    this.#text = text;
    this.#onPart({ type: 'replace', text });
  }

  #append(text: string): void {
    this.#text += text;
    this.#onPart({ type: 'text', text });
  }
}
