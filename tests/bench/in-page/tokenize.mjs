/** Texts to token ids by Tierwise, by the Hugging Face tokenizer and by hand-written JavaScript, from the same texts. */
import { Tokenizer } from '/peers.js';
import { openMeaning } from '/tierwise/meaning.js';

import { HandWordPiece } from './hand-wordpiece.mjs';
import { measure } from './rounds.mjs';
import { tokenizerJson } from './tokenizer-json.mjs';
import { sampleTexts } from './tokenize-texts.mjs';

const lines = 30_522;
const all = 1 << 20;
const bytes = new Uint8Array(await (await fetch('/vocab.txt')).arrayBuffer());
const vocabulary = new TextDecoder().decode(bytes);
const tokens = vocabulary.trimEnd().split('\n');

const description = tokenizerJson(tokens);
const meaning = await openMeaning();
meaning.loadVocabulary(bytes, lines);
const huggingface = new Tokenizer(description, {});
const hand = new HandWordPiece(vocabulary);

/** Which gives the number of ids, whatever else it makes of them. */
const rivals = {
  tierwise: (text) => meaning.encode(text, all),
  huggingface: (text) => huggingface.encode(text).ids.length,
  hand: (text) => hand.encode(text).length,
};

const textsOf = (name) => sampleTexts(name, tokens);

/** How many texts and tokens there are; throws where the ids of one text are not the same for all. */
export function compare({ names }) {
  return Object.fromEntries(
    names.map((name) => {
      let count = 0;
      const texts = textsOf(name);
      for (const text of texts) {
        const ours = [...meaning.ids(meaning.encode(text, all))];
        for (const [rival, ids] of [
          ['huggingface', huggingface.encode(text).ids],
          ['hand', hand.encode(text)],
        ]) {
          const at = ours.findIndex((id, i) => id !== Number(ids[i]));
          if (ids.length === ours.length && at < 0) continue;
          throw new Error(
            `${name}: ${rival} gives another token at ${at}: ${tokens[ids[at]]}, not ${tokens[ours[at]]} (${text.slice(0, 80)})`,
          );
        }
        count += ours.length;
      }
      return [name, { texts: texts.length, tokens: count / texts.length }];
    }),
  );
}

/**
 * µs of one text. Each rival goes through all texts as often as takes it `leastMs`, as a page does that has many texts: a round
 * of a few hundred µs would measure how the others left the processor's caches.
 */
export async function tokenize({ name, rounds, warmUp, leastMs }) {
  const texts = textsOf(name);
  let seen = 0;
  const once = (encode) => {
    for (const text of texts) seen += encode(text);
  };
  const repeats = {};
  for (const [rival, encode] of Object.entries(rivals)) {
    for (let i = 0; i < warmUp; i++) once(encode);
    const began = performance.now();
    for (let i = 0; i < 5; i++) once(encode);
    repeats[rival] = Math.ceil(leastMs / ((performance.now() - began) / 5));
  }
  const tasks = Object.entries(rivals).map(([rival, encode]) => [
    rival,
    () => {
      for (let i = 0; i < repeats[rival]; i++) once(encode);
    },
  ]);
  const samples = await measure(Object.fromEntries(tasks), { rounds, warmUp: 3 });
  if (seen === 0) throw new Error('Nothing was tokenised.');
  return Object.fromEntries(
    Object.entries(samples).map(([rival, list]) => [
      rival,
      list.map((ms) => (ms * 1000) / repeats[rival] / texts.length),
    ]),
  );
}

/** ms of making each tokenizer ready, the files being there: the vocabulary's bytes, or the parsed tokenizer.json. */
export function load({ rounds, warmUp }) {
  return measure(
    {
      tierwise: () => meaning.loadVocabulary(bytes, lines),
      huggingface: () => new Tokenizer(description, {}),
      hand: () => new HandWordPiece(vocabulary),
    },
    { rounds, warmUp },
  );
}
