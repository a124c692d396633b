/**
 * `comparePrompts` of the built package on pairs of prompts: `node tests/guard/measure.mjs PAIRS.tsv …` (by default the
 * unseen set). A line: `different` or `same`, a kind, two prompts. Prints each policy's false hits and recall, with MiniLM and by
 * the light vectors alone, the curve, each kind's share, and what was taken wrongly.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { comparePrompts } from '../../dist/minilm.js';

const unseen = fileURLToPath(new URL('unseen-pairs.tsv', import.meta.url));
const files = process.argv.length > 2 ? process.argv.slice(2) : [unseen];
const models = ['minilm', 'light'];
const percent = (part, of) => `${((100 * part) / Math.max(1, of)).toFixed(2)} %`;

for (const file of files) {
  const pairs = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([label, kind, a, b]) => ({ same: label === 'same', kind, a, b }));
  const near = pairs.filter(({ same }) => !same);
  const paraphrases = pairs.filter(({ same }) => same);
  console.log(`\n${path.basename(file)}: ${near.length} near misses, ${paraphrases.length} paraphrases`);
  for (const model of models) {
    // The policies differ in what they want alone: each pair is asked about once.
    const { least } = await comparePrompts('equal', 'equal', { model, policy: 'balanced' });
    for (const pair of pairs) {
      pair.strict = await comparePrompts(pair.a, pair.b, { model, policy: 'strict' });
      pair.balanced = pair.strict.probability >= least;
    }
    const taken = (list, policy) => list.filter((pair) => (policy === 'strict' ? pair.strict.same : pair.balanced));
    console.log(`\n${model}`);
    for (const policy of ['strict', 'balanced']) {
      const [wrong, found] = [taken(near, policy).length, taken(paraphrases, policy).length];
      console.log(
        `  ${policy}: false hits ${wrong} = ${percent(wrong, near.length)}, recall ${percent(found, paraphrases.length)}`,
      );
    }
    console.log('  recall at the threshold for at most so many false hits:');
    for (const most of [0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1]) {
      const wrong = near.map(({ strict }) => strict.probability).sort((a, b) => b - a);
      // The first that must not get through.
      const bound = wrong[Math.floor(most * near.length)] ?? 0;
      const found = paraphrases.filter(({ strict }) => strict.probability > bound).length;
      console.log(`    ${percent(most, 1)}: ${percent(found, paraphrases.length)}`);
    }
    for (const [what, list] of [
      ['near misses taken for the same', near],
      ['paraphrases found', paraphrases],
    ]) {
      console.log(`  ${what}, by kind (strict, balanced, of):`);
      for (const kind of [...new Set(list.map((pair) => pair.kind))].sort()) {
        const of = list.filter((pair) => pair.kind === kind);
        console.log(`    ${kind}: ${taken(of, 'strict').length}, ${taken(of, 'balanced').length}, ${of.length}`);
      }
    }
    for (const { kind, a, b, strict } of taken(near, 'balanced')) {
      console.log(`  wrong (${kind}, ${strict.probability.toFixed(3)}): ${a} | ${b}`);
    }
  }
}
