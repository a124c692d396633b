/**
 * Measures the token estimator of the core against real tokenizers: `node tests/tokens/measure.mjs`. Installs the packages
 * of this folder's package-lock.json here when they are missing (0.7 GB), builds the estimator with g++, counts every sample
 * of corpora.mjs with every tokenizer (about four minutes), and writes the tables of docs/TOKENS.md.
 *
 *   --counts <file>   also writes the samples and their counts, for fit.py
 *   --known <file>    takes the counts of such a file instead of counting
 *   --fixture         writes tests/fixtures/tokens/counts.json: the real counts of the texts there
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = path.join(here, '../..');
if (!existsSync(path.join(here, 'node_modules')))
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false'], {
    cwd: here,
    stdio: 'inherit',
  });
const { readSamples } = await import('./corpora.mjs');
const { openTokenizers } = await import('./tokenizers.mjs');

const value = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const families = ['gpt2', 'sp32k', 'cl100k', 'qwen', 'o200k', 'gemma', 'unknown'];

function buildTool() {
  const tool = path.join(root, 'build/shape');
  mkdirSync(path.dirname(tool), { recursive: true });
  const sources = ['tests/tokens/shape.cpp', 'wasm/prompt/text_shape.cpp', 'wasm/prompt/tokens.cpp'];
  execFileSync('g++', ['-std=c++20', '-O2', '-Iwasm', ...sources, '-o', tool], { cwd: root, stdio: 'inherit' });
  return tool;
}

const framed = (texts) =>
  Buffer.concat(texts.flatMap((text) => [Buffer.from(`${Buffer.byteLength(text)}\n`), Buffer.from(text)]));

/** For each text and family `{ tokens, atMost }`. */
function estimate(tool, texts) {
  const told = execFileSync(tool, { input: framed(texts), maxBuffer: 1 << 28 })
    .toString()
    .trim()
    .split('\n');
  return told.map((line) => {
    const numbers = line.trim().split(' ').map(Number);
    return Object.fromEntries(
      families.map((family, index) => [family, { tokens: numbers[2 * index], atMost: numbers[2 * index + 1] }]),
    );
  });
}

async function countAll(samples) {
  const counted = [];
  for (const { name, family, from, license, count } of await openTokenizers()) {
    console.log(`Counting with ${name} (${from}) …`);
    const counts = [];
    for (const { text } of samples) counts.push(await count(text));
    counted.push({ name, family, from, license, counts });
  }
  return counted;
}

const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** One row for each kind and tokenizer, over the samples that nothing was fitted to. */
function rowsOf(samples, tokenizers, estimates) {
  const kinds = [...new Set(samples.map(({ kind }) => kind))];
  return kinds.flatMap((kind) =>
    tokenizers.map(({ name, family, counts }) => {
      const places = samples.flatMap((sample, index) =>
        sample.kind === kind && sample.part === 'measure' ? [index] : [],
      );
      const ratio = (index, field, by = family) => estimates[index][by][field] / counts[index];
      const middle = places.map((index) => ratio(index, 'tokens')).sort((a, b) => a - b);
      const above = (by) => places.filter((index) => ratio(index, 'atMost', by) >= 1).length / places.length;
      const bySize = [100, 1000, 10000].map((size) =>
        mean(places.filter((index) => samples[index].size === size).map((index) => ratio(index, 'atMost'))),
      );
      return {
        kind,
        name,
        samples: places.length,
        mean: mean(middle),
        low: quantile(middle, 0.05),
        high: quantile(middle, 0.95),
        least: middle[0],
        most: middle.at(-1),
        above: above(family),
        unknown: above('unknown'),
        bySize,
      };
    }),
  );
}

const two = (number) => number.toFixed(2);
const share = (part) => `${(part * 100).toFixed(part === 1 ? 0 : 2)} %`;

function tables(rows, tokenizers, speed) {
  const lines = ['| tokenizer | family | counted by | licence |', '| --- | --- | --- | --- |'];
  for (const { name, family, from, license } of tokenizers)
    lines.push(`| ${name} | \`${family}\` | ${from} | ${license} |`);
  const all = rows.map(({ samples }) => samples).reduce((sum, one) => sum + one, 0) / tokenizers.length;
  const english = rows.filter(({ kind }) => kind === 'English prose');
  const least = rows.reduce((worst, row) => (row.above < worst.above ? row : worst));
  lines.push(
    '',
    `${all.toLocaleString('en')} samples a tokenizer. English prose: the estimate is ${two(Math.min(...english.map((row) => row.mean)))} to ${two(Math.max(...english.map((row) => row.mean)))} of the real count in the mean, \`at_most\` ${two(Math.max(...english.map((row) => row.bySize[1])))} of it at the most in samples of 1,000 characters. Where \`at_most\` holds least: ${share(least.above)} (${least.kind}, ${least.name}); as an unknown family: ${share(Math.min(...rows.map((row) => row.unknown)))}. Speed, g++ -O2: ${speed}.`,
    '',
    '| kind | tokenizer | samples | mean | 5 % | 95 % | worst | `at_most` ≥ real | `at_most` / real: 100, 1,000, 10,000 characters |',
    '| --- | --- | --: | --: | --: | --: | --: | --: | --: |',
  );
  for (const row of rows)
    lines.push(
      `| ${row.kind} | ${row.name} | ${row.samples} | ${two(row.mean)} | ${two(row.low)} | ${two(row.high)} | ${two(row.least)}, ${two(row.most)} | ${share(row.above)} | ${row.bySize.map(two).join(', ')} |`,
    );
  return lines.join('\n');
}

const tool = buildTool();
const fixture = path.join(root, 'tests/fixtures/tokens/counts.json');
if (process.argv.includes('--fixture')) {
  const { about, samples } = JSON.parse(readFileSync(fixture, 'utf8'));
  const counted = await countAll(samples);
  const versions = Object.fromEntries(counted.map(({ name, from, family }) => [name, { from, family }]));
  const filled = samples.map(({ kind, text }, index) => ({
    kind,
    text,
    counts: Object.fromEntries(counted.map(({ name, counts }) => [name, counts[index]])),
  }));
  writeFileSync(fixture, `${JSON.stringify({ about, tokenizers: versions, samples: filled }, undefined, 2)}\n`);
} else {
  const known = value('--known');
  const samples = known ? JSON.parse(readFileSync(known, 'utf8')).samples : readSamples();
  const tokenizers = known ? JSON.parse(readFileSync(known, 'utf8')).tokenizers : await countAll(samples);
  const counts = value('--counts');
  if (counts) writeFileSync(counts, JSON.stringify({ samples, tokenizers }));
  const rows = rowsOf(
    samples,
    tokenizers,
    estimate(
      tool,
      samples.map(({ text }) => text),
    ),
  );
  const speedOf = (kind) => {
    const input = framed(
      samples.filter((sample) => sample.kind === kind && sample.size === 10000).map(({ text }) => text),
    );
    return execFileSync(tool, ['speed'], { input }).toString().split(' ')[1];
  };
  const speed = ['English prose', 'JSON', 'Russian', 'Cyrillic', 'Japanese']
    .filter((kind) => samples.some((sample) => sample.kind === kind))
    .map((kind) => `${kind} ${speedOf(kind)} MB/s`)
    .join(', ');
  const page = path.join(root, 'docs/TOKENS.md');
  const [before, , after] = readFileSync(page, 'utf8').split(/<!-- (?:measured|end) -->/);
  writeFileSync(page, `${before}<!-- measured -->\n\n${tables(rows, tokenizers, speed)}\n\n<!-- end -->${after}`);
  for (const row of rows.filter(({ above }) => above < 0.995))
    console.log(`Below 99.5 %: ${row.kind}, ${row.name}: ${share(row.above)}`);
}
