/** What both measurements of the database's intake have in common: who sends what, in which portions. */
export const [events, people] = [Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 1000)];
export const kBatch = 500;
const kDay = 86_400_000;
const models = ['meta-llama/Llama-3.2-3B-Instruct', 'mistralai/Mistral-7B-Instruct-v0.2', 'gpt-4'];

export const user = (n) => `dddddddd-0000-4000-8000-${String(n).padStart(12, '0')}`;
/** Of that batch: within the last 90 days. */
export const endOf = (n) => Date.now() - ((n * 7919) % 88) * kDay;
export const modelOf = (n, i) => models[(n + i) % 3];
export const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
