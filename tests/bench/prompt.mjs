/** Chat templates: a conversation to a prompt, beside the two template engines pages use, and what renders leave in memory. */
import { openBench } from './page.mjs';
import { bundlePeers, peerVersion } from './peers.mjs';
import { figure, kilobytes, median, megabytes, micros, millis, p95, paired, table, times } from './statistics.mjs';

export const title = 'A chat template: from messages to a prompt';

const sizes = [2, 20, 200];
const batches = { 2: 60, 20: 20, 200: 4 };
const labels = {
  chatml: 'ChatML',
  llama3: 'Llama 3',
  llama31: 'Llama 3.1, three tools',
  thoughts: 'ChatML, thoughts cut out',
};
const kinds = { known: 'shape known', new: 'shape new', unseen: 'unseen' };
const measured = ['chatml', 'llama3', 'llama31'];
const peerNames = { huggingface: '@huggingface/jinja', nunjucks: 'nunjucks' };

export async function run({ browser, peers, quick, say }) {
  const script = await bundlePeers(
    peers,
    "import * as huggingface from '@huggingface/jinja'; import nunjucks from 'nunjucks'; export { huggingface, nunjucks };",
  );
  const routes = { '/peers.js': script };
  const rounds = quick ? 20 : 200;
  const warmUp = quick ? 10 : 40;
  const bench = await openBench(browser, routes);
  const able = await bench.call('prompt', 'compare', { sizes });
  const rivalsOf = (name) => Object.keys(able[name]).filter((engine) => able[name][engine] === true);
  const refusals = Object.entries(able)
    .filter(([, engines]) => engines.nunjucks !== true)
    .map(([name, { nunjucks }]) => `\`nunjucks\` cannot render ${labels[name]} ("${nunjucks}").`);

  const lines = [];
  const ratios = [];
  for (const name of [...measured, 'thoughts']) {
    for (const size of sizes) {
      for (const kind of name === 'thoughts' ? ['new'] : ['known', 'new', 'unseen']) {
        const batch = batches[size];
        const asked = { name, size, kind, batch, rounds, warmUp, rivals: rivalsOf(name) };
        const { samples } = await bench.call('prompt', 'render', asked);
        const us = (engine) => (median(samples[engine]) * 1000) / batch;
        const ours = us('tierwise');
        const beside = (engine) => (samples[engine] ? times(us(engine) / ours) : '-');
        if (name !== 'thoughts') ratios.push({ name, size, kind, ratio: us('huggingface') / ours });
        lines.push([
          `${labels[name]}, ${size} messages, ${kinds[kind]}`,
          micros(ours),
          micros(us('huggingface')),
          samples.nunjucks ? micros(us('nunjucks')) : '-',
          beside('huggingface'),
          beside('nunjucks'),
        ]);
      }
    }
    if (name === 'thoughts') continue;
    const size = 40;
    const batch = size / 2;
    const asked = { name, size, kind: 'grows', batch, rounds, warmUp, rivals: rivalsOf(name) };
    const { samples } = await bench.call('prompt', 'render', asked);
    const us = (engine) => (median(samples[engine]) * 1000) / batch;
    const beside = (engine) => (samples[engine] ? times(us(engine) / us('tierwise')) : '-');
    lines.push([
      `${labels[name]}, a chat that grows from 2 to ${size} messages by two a render`,
      micros(us('tierwise')),
      micros(us('huggingface')),
      samples.nunjucks ? micros(us('nunjucks')) : '-',
      beside('huggingface'),
      beside('nunjucks'),
    ]);
  }

  const parses = [];
  const parseRatios = [];
  for (const name of measured) {
    const batch = 20;
    const rivals = rivalsOf(name);
    const samples = await bench.call('prompt', 'parse', { name, batch, rounds, warmUp, rivals });
    const us = (list) => (median(list) * 1000) / batch;
    const alone = (engine) => us(paired(samples[`${engine} fresh`], samples[`${engine} known`]));
    const ours = alone('tierwise');
    parseRatios.push({ name, ours, peer: us(samples['huggingface parse']) });
    for (const engine of rivals) {
      const parsed = engine === 'tierwise' ? ours : us(samples[`${engine} parse`]);
      parses.push([
        `${labels[name]}, ${peerNames[engine] === undefined ? 'Tierwise' : `\`${peerNames[engine]}\``}`,
        micros(parsed),
        micros(us(samples[`${engine} fresh`])),
        engine === 'tierwise' ? '-' : times(parsed / ours),
      ]);
    }
  }

  const canTrim = await bench.call('prompt', 'canTrim');
  const turns = 2000;
  const budget = 8192;
  const trimmed = canTrim
    ? await bench.call('prompt', 'trim', { turns, budget, rounds: quick ? 10 : 60, warmUp: quick ? 5 : 20 })
    : undefined;
  if (!canTrim) say('Skipped: trimming 2,000 turns. This package has no formatChat.');
  await bench.close();

  const marks = quick ? [250, 500, 1000] : [1000, 5000, 10_000];
  const memory = [];
  for (const engine of ['tierwise', ...Object.keys(peerNames)])
    memory.push(await keeps(browser, routes, engine, marks));
  const [ours] = memory;
  const [first, last] = [marks[0], marks.at(-1)];
  const grown = ours.kept.at(-1) - ours.kept[0];

  const worst = (kind) => ratios.filter((of) => of.kind === kind).reduce((a, b) => (b.ratio < a.ratio ? b : a));
  const targets = ['known', 'new'].map((kind) => {
    const least = worst(kind);
    return {
      what: `render beside \`@huggingface/jinja\`, ${kinds[kind]}, the least of all`,
      target: '≥ 1.5x faster',
      value: `${times(least.ratio)} (${labels[least.name]}, ${least.size} messages)`,
      met: least.ratio >= 1.5,
    };
  });
  const slowest = parseRatios.reduce((a, b) => (b.peer / b.ours < a.peer / a.ours ? b : a));
  targets.push({
    what: 'first parse beside `@huggingface/jinja`, the least of all',
    target: 'no slower',
    value: `${micros(slowest.ours)} to ${micros(slowest.peer)} (${labels[slowest.name]})`,
    met: slowest.ours <= slowest.peer,
  });
  if (trimmed !== undefined) {
    targets.push({
      what: '`formatChat`, 2,000 turns into 8,192 tokens, p50',
      target: '≤ 2 ms',
      value: `${millis(median(trimmed))} (p95 ${millis(p95(trimmed))})`,
      met: median(trimmed) <= 2,
    });
  }
  targets.push(
    {
      what: `heap kept by ${(last - first).toLocaleString('en-GB')} renders`,
      target: '≤ 10 bytes each',
      value: `${kilobytes(grown)}, ${figure(grown / (last - first))} bytes each`,
      met: grown / (last - first) <= 10,
    },
    {
      what: `WebAssembly memory over ${(last - first).toLocaleString('en-GB')} renders`,
      target: 'no growth',
      value: `+${kilobytes(ours.wasm.at(-1) - ours.wasm[0])}`,
      met: ours.wasm.at(-1) === ours.wasm[0],
    },
  );

  const at200 = ratios
    .filter(({ size }) => size === 200)
    .map(({ name, kind, ratio }) => `${labels[name]} ${times(ratio)} (${kind})`);
  return {
    measures:
      `Templates written for this that give what the models' own give; messages of 200 to 600 characters, one in eight beyond ASCII; ` +
      `${rounds} rounds of batches, p50 of one render. The engines gave the same texts for 12 conversations of each size before. ` +
      'Templates were parsed before; every conversation is new to its engine, with texts, objects and strings of its own, and one character of ' +
      'each prompt is read, so that no engine hands over a text it has yet to join. "Shape known": a system message, then question and ' +
      'answer by turns, as many as in renders before, all texts long and new: ours joins them with what the template wrote then and does ' +
      'not cross into WebAssembly. That is asking again, editing, or one of many conversations built alike. "Shape new": other roles, ' +
      'short texts, white space at the ends, further keys and a variable of another name each time, so that no earlier render was like it: ' +
      'the template of Llama 3.1 crosses into WebAssembly and back each time, those of ChatML and Llama 3, which write message by ' +
      'message, where they meet a kind of message not seen before. "Unseen": the same, and a variable that the template reads is another ' +
      'each time, so that nothing of an earlier render helps: all cross each time, with one message of each kind or with all; no target. ' +
      'Ours holds the whole asynchronous call. The template that cuts out thoughts looks into the texts, which ' +
      'must then all cross; it has no target. "To ours": how many times as long the other takes.',
    peers: Object.fromEntries(Object.values(peerNames).map((name) => [name, peerVersion(peers, name)])),
    table: [
      table([
        [
          'one render',
          'Tierwise',
          '`@huggingface/jinja`',
          '`nunjucks`',
          '`@huggingface/jinja`, to ours',
          '`nunjucks`, to ours',
        ],
        ...lines,
      ]),
      '',
      table([
        [
          'a template never seen before (fresh text each time)',
          'parse',
          'parse and render 2 messages',
          'parse, to ours',
        ],
        ...parses,
      ]),
      '',
      table([
        [
          'memory: Llama 3, 20 messages, shapes new',
          ...marks.map((mark) => `heap kept after ${mark.toLocaleString('en-GB')}`),
          'most heap at once',
          'WebAssembly memory',
        ],
        ...memory.map(({ label, kept, most, wasm }) => [
          label,
          ...kept.map((bytes) => `+${kilobytes(bytes)}`),
          `+${megabytes(most)}`,
          wasm.length === 0 ? '-' : megabytes(wasm.at(-1)),
        ]),
      ]),
    ].join('\n'),
    targets,
    notes: [
      `The goal at 200 messages is 3x: ${at200.join(', ')}.`,
      ...refusals,
      'Parsing of ours is what a call with a new text takes beyond one with a known text, in the same round. "Most heap" is looked at every ' +
        '250 renders without garbage collection, so it moves with the collector; the rest is after it.',
      ...(canTrim ? [] : ['Trimming 2,000 turns is not measured: this package has no `formatChat`.']),
    ].join(' '),
  };
}

/** What renders leave behind, each engine in a page of its own; bytes beyond those before the first render. */
async function keeps(browser, routes, engine, marks) {
  const bench = await openBench(browser, routes);
  const work = { engine, name: 'llama3', size: 20 };
  await bench.call('prompt', 'fill', { ...work, from: 0, to: 0 });
  const before = await bench.heapBytes();
  const kept = [];
  const wasm = [];
  let most = 0;
  for (let from = 0; from < marks.at(-1); from += 250) {
    await bench.call('prompt', 'fill', { ...work, from, to: Math.min(from + 250, marks.at(-1)) });
    most = Math.max(most, (await bench.session.send('Runtime.getHeapUsage')).usedSize - before);
    if (!marks.includes(from + 250)) continue;
    kept.push((await bench.heapBytes()) - before);
    if (engine === 'tierwise') wasm.push(await bench.call('prompt', 'wasmBytes'));
  }
  await bench.close();
  return { label: engine === 'tierwise' ? 'Tierwise' : `\`${peerNames[engine]}\``, kept, most, wasm };
}
