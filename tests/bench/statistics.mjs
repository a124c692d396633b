/** Medians, percentiles and how they are written. Samples are numbers in one unit; none may be missing. */

export function median(samples) {
  return quantile(samples, 0.5);
}

export function p95(samples) {
  return quantile(samples, 0.95);
}

/** Linear between the two nearest ranks. */
export function quantile(samples, part) {
  if (samples.length === 0) throw new Error('There are no samples.');
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** What `more` took beyond `base`, round by round: rivals of one round met the same machine. */
export function paired(more, base) {
  return more.map((value, round) => value - base[round]);
}

/** Three significant digits, thousands separated. */
export function figure(value) {
  if (!Number.isFinite(value)) return '-';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toFixed(Math.min(digits, 6))).toLocaleString('en-GB', { maximumFractionDigits: 6 });
}

export function micros(value) {
  return `${figure(value)} µs`;
}

export function millis(value) {
  return `${figure(value)} ms`;
}

export function times(value) {
  return `${value.toFixed(2)}x`;
}

export function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

export function megabytes(bytes) {
  return `${(bytes / 1024 / 1024).toFixed(2)} MB`;
}

/** Rows of text as a Markdown table; the first row is its head. */
export function table([head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
