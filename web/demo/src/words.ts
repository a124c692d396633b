/** Numbers and times as people read them. Unknown is a dash, never 0; an estimate says "about". */
export const dash = '–';

const lastTime = 8.64e15;
const compact = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 2, useGrouping: false });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function count(value: number | undefined): string {
  if (value === undefined) return dash;
  if (value < 10_000) return whole.format(value);
  return value < 1_000_000 ? `${compact.format(value / 1000)} k` : `${compact.format(value / 1_000_000)} M`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function tokens(value: number | undefined, estimated = false): string {
  return value === undefined ? dash : `${estimated ? 'about ' : ''}${count(value)} tokens`;
}

/** US dollars: two significant digits below a cent. */
export function dollars(value: number | undefined): string {
  if (value === undefined) return dash;
  if (value === 0) return '$0';
  return value < 0.01 ? fineDollars(value) : `$${value.toFixed(2)}`;
}

/** US dollars where amounts are compared: two significant digits below a dollar. */
export function fineDollars(value: number | undefined): string {
  if (value === undefined || value === 0 || value >= 1) return dollars(value);
  return `$${fine.format(value)}`;
}

/** A text inside a sentence: its beginning, where it is long. */
export function brief(text: string, most = 160): string {
  return text.length <= most ? text : `${text.slice(0, most).trimEnd()}…`;
}

/** A probability, never rounded up: 0.9797 is not "98 %" beside "98 % wanted". */
export function likelihood(value: number): string {
  return `${String(Math.floor(value * 1000 + 1e-6) / 10)} %`;
}
export function threshold(value: number): string {
  return `${String(Math.round(value * 1000) / 10)} %`;
}

export function duration(ms: number | undefined): string {
  if (ms === undefined) return dash;
  if (ms < 0.01) return '<0.01 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${whole.format(Math.floor(ms / 60_000))} min ${whole.format(Math.floor((ms % 60_000) / 1000))} s`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${whole.format(value)} B`;
  if (value < 1024 ** 2) return `${compact.format(value / 1024)} KB`;
  return value < 1024 ** 3 ? `${compact.format(value / 1024 ** 2)} MB` : `${compact.format(value / 1024 ** 3)} GB`;
}

const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

/** "3 days ago"; "just now" within a minute, in either direction. */
export function ago(at: number, now: number): string {
  const away = at - now;
  for (const [unit, ms] of units) if (Math.abs(away) >= ms) return relative.format(Math.trunc(away / ms), unit);
  return 'just now';
}

/** How long something has lasted or will: "3 days", "2 min", "12 s". */
export function span(ms: number): string {
  if (ms >= 86_400_000) return plural(Math.floor(ms / 86_400_000), 'day');
  if (ms >= 3_600_000) return plural(Math.floor(ms / 3_600_000), 'hour');
  if (ms >= 60_000) return `${whole.format(Math.floor(ms / 60_000))} min`;
  return `${whole.format(Math.max(1, Math.round(ms / 1000)))} s`;
}

/** Beyond the end of JavaScript's time (a record somebody edited): a dash. */
export function exactTime(at: number): string {
  return Math.abs(at) <= lastTime ? exact.format(at) : dash;
}

export function isoTime(at: number): string {
  return Math.abs(at) <= lastTime ? new Date(at).toISOString() : '';
}
