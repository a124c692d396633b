/** What a check of `tierwise doctor` finds, and the frame each runs in: timed, bounded, never an exception. */

export type Status = 'ok' | 'warning' | 'failed' | 'skipped';
export interface Finding {
  status: Status;
  /** What is so: a sentence. */
  message: string;
  /** What to do: a sentence, where there is something to do. */
  advice?: string | undefined;
  /** Words of a server, which are quoted after the sentence, cut short. */
  said?: string;
  /** Facts behind the sentence, for `--json`. No secrets. */
  details?: Record<string, unknown>;
}
export interface Check extends Omit<Finding, 'said'> {
  name: string;
  /** ms */
  ms: number;
}
/** How long things may take, ms: a request, and a reply of a model. */
export interface Limits {
  askMs: number;
  replyMs: number;
}
/** Of what a check may take beyond its requests. */
export const kGraceMs = 2000;
const unexpected = 'This was not expected. Run it again; if it stays so, look at the log of what was asked.';
/** Runs one check and tells of it. `limitMs`: after that long it has failed; the signal ends then. */
export type Step = (name: string, limitMs: number, look: (signal: AbortSignal) => Promise<Finding>) => Promise<Finding>;

/** A check that cannot go on: its text is what is told, with what to do. */
export class Trouble extends Error {
  override name = 'Trouble';
  readonly advice: string | undefined;
  readonly details: Record<string, unknown> | undefined;
  constructor(message: string, advice?: string, details?: Record<string, unknown>) {
    super(message);
    this.advice = advice;
    this.details = details;
  }
}

export function stepper(tell: (finding: Finding & { name: string; ms: number }) => void): Step {
  return async (name, limitMs, look) => {
    const began = performance.now();
    const over = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<Finding>((resolve) => {
      timer = setTimeout(() => {
        resolve({ status: 'failed', message: `It took longer than ${seconds(limitMs)}.`, advice: 'Run it again.' });
        over.abort(new Trouble(`It took longer than ${seconds(limitMs)}.`));
      }, limitMs);
    });
    const looked = look(over.signal).catch((error: unknown): Finding => {
      const message = error instanceof Error ? error.message : String(error);
      const { advice, details } = error instanceof Trouble ? error : { advice: unexpected };
      return { status: 'failed', message, advice, ...(details && { details }) };
    });
    const finding = await Promise.race([looked, late]);
    clearTimeout(timer);
    tell({ name, ...finding, ms: Math.round(performance.now() - began) });
    return finding;
  };
}

/** The worst of several, with the texts that are not empty joined: a check that looks at more than one thing. */
export function joined(message: string, problems: readonly Omit<Finding, 'details'>[]): Finding {
  const failed = problems.some(({ status }) => status === 'failed');
  const advice = problems.flatMap((problem) => problem.advice ?? []).join(' ');
  return {
    status: failed ? 'failed' : problems.length > 0 ? 'warning' : 'ok',
    message: [message, ...problems.map((problem) => problem.message)].filter((text) => text !== '').join(' '),
    ...(advice !== '' && { advice }),
  };
}

export function seconds(ms: number): string {
  return `${String(Math.round(ms / 100) / 10)} s`;
}

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}

export function counted(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}
