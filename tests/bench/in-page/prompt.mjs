/** Chat templates rendered by Tierwise and by the other engines a page can have, from the same conversations. */
import { huggingface, nunjucks } from '/peers.js';
import * as tierwise from '/tierwise/index.js';

import { templates } from './prompt-templates.mjs';
import { measure, words } from './rounds.mjs';
import { watchMemories } from './wasm-memory.mjs';

export const wasmBytes = watchMemories();

const now = 1767225600000;
const environment = new nunjucks.Environment(null, { autoescape: false, trimBlocks: true, lstripBlocks: true });
environment.addFilter('tojson', (value, { indent } = {}) => JSON.stringify(value, undefined, indent));

/** name -> parses a template; what comes back renders it. Ours remembers templates by their text. */
const engines = {
  tierwise: (source) => (variables) => tierwise.renderChatTemplate(source, variables, { now }),
  huggingface(source) {
    const template = new huggingface.Template(source);
    return (variables) => template.render(variables);
  },
  nunjucks(source) {
    const template = new nunjucks.Template(source, environment, 'chat', true);
    return (variables) => template.render(variables);
  },
};

const plain = words(200_000, 1);
const accented = words(200_000, 2).replaceAll(' asking ', ' demander à la clé – 東京 🕒 ');

/** Whole numbers below `below`, the same for the same seed. */
function numbers(seed) {
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * `size` messages of 200 to 600 characters, one in eight beyond ASCII, whose texts no other seed gives.
 *
 * Of a known shape: a system message, then question and answer by turns. Of a new one: roles at random, one message in eight
 * short, one in eight with white space at its ends, further keys, and a variable named after the seed.
 */
function conversation(name, size, seed, isNew) {
  const below = numbers(seed);
  const messages = [];
  for (let i = 0; i < size; i++) {
    const from = below(8) === 0 ? accented : plain;
    const begin = below(190_000);
    const length = isNew && below(8) === 0 ? 5 + below(20) : 200 + below(400);
    const pad = isNew && below(8) === 0 ? '\n' : '';
    let role = i === 0 ? 'system' : i % 2 === 1 ? 'user' : 'assistant';
    if (isNew) role = i === 0 && below(2) === 0 ? 'system' : i !== 1 && below(2) === 0 ? 'assistant' : 'user';
    const thought = name === 'thoughts' && role === 'assistant' && i % 10 === 2 ? '<think>\nWhy?\n</think>\n\n' : '';
    const content = `${thought}${pad}${seed}.${i} ${from.slice(begin, begin + length).trim()}.${pad}`.toWellFormed();
    const message = { role, content };
    if (isNew && below(4) === 0) message.id = `message-${below(1e6)}`;
    if (isNew && below(4) === 0) message.name = ['Ann', 'Bob', 'Zoë'][below(3)];
    messages.push(message);
  }
  return {
    messages,
    add_generation_prompt: true,
    ...templates[name].variables,
    ...(isNew ? { [`number_${seed}`]: seed } : {}),
  };
}

/** A text that was only tied together is made one whole here, as sending it would. */
function read(text) {
  if (text.charCodeAt(text.length >> 1) === 0) throw new Error('There is a NUL in the prompt.');
}

/** Which engines give the same text for every kind of conversation, and what the others say instead. */
export async function compare({ sizes }) {
  const found = {};
  for (const [name, { source }] of Object.entries(templates)) {
    const able = {};
    for (const engine of Object.keys(engines)) {
      try {
        const render = engines[engine](source);
        for (const size of sizes) {
          for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
            const variables = conversation(name, size, seed, seed > 3);
            const expected = engines.huggingface(source)(structuredClone(variables));
            const text = await render(variables);
            if (text !== expected) throw new Error('gives another text');
          }
        }
        able[engine] = true;
      } catch (error) {
        if (engine !== 'nunjucks') throw new Error(`${engine}, ${name}: ${error.message}`, { cause: error });
        able[engine] = String(error.message).trim().split('\n').pop().trim();
      }
    }
    found[name] = able;
  }
  return found;
}

/** Every rival has objects and texts of its own, as a page has that read them from somewhere. */
function given(rivals, batch, make) {
  const text = JSON.stringify(Array.from({ length: batch }, (_, i) => make(i)));
  return Object.fromEntries(rivals.map((rival) => [rival, JSON.parse(text)]));
}

/** A variable that all templates read, as true as any other, and never the same: nothing that was rendered helps. */
const unseen = (seed) => ({ add_generation_prompt: seed });

/** One conversation as often as there are pairs of messages in it, each time with one more. */
function growing(name, size, seed) {
  const whole = conversation(name, size, seed, true);
  return Array.from({ length: size / 2 }, (_, i) => ({ ...whole, messages: whole.messages.slice(0, 2 * i + 2) }));
}

/**
 * ms of a batch of `batch` renders each, the template known. `kind`: the shape `known` or `new`; `unseen`; or `grows`, of
 * which a batch is one conversation.
 */
export async function render({ name, size, kind, batch, rounds, warmUp, rivals }) {
  const renders = Object.fromEntries(rivals.map((rival) => [rival, engines[rival](templates[name].source)]));
  let asked;
  let bytes = 0;
  const rival = (engine) => async () => {
    for (const variables of asked[engine]) {
      const made = renders[engine](variables);
      read(typeof made === 'string' ? made : await made);
    }
  };
  const samples = await measure(Object.fromEntries(rivals.map((engine) => [engine, rival(engine)])), {
    rounds,
    warmUp,
    prepare(round) {
      asked = given(rivals, kind === 'grows' ? 1 : batch, (i) => {
        const seed = 1000 + round * batch + i;
        if (kind === 'grows') return growing(name, size, seed);
        return { ...conversation(name, size, seed, kind !== 'known'), ...(kind === 'unseen' ? unseen(seed) : {}) };
      });
      if (kind === 'grows') for (const rival of rivals) asked[rival] = asked[rival][0];
      bytes = JSON.stringify(asked[rivals[0]][0].messages).length;
    },
  });
  return { samples, bytes };
}

/**
 * ms of a batch of `batch` templates never seen before: `known` renders two messages with a template that is known,
 * `fresh` parses one and renders the same; of the other engines also parsing alone.
 */
export async function parse({ name, batch, rounds, warmUp, rivals }) {
  const { source } = templates[name];
  let asked;
  let sources;
  let count = 0;
  const known = Object.fromEntries(rivals.map((engine) => [engine, engines[engine](source)]));
  const tasks = {};
  for (const engine of rivals) {
    tasks[`${engine} known`] = async () => {
      for (const variables of asked[engine]) read(await known[engine](variables));
    };
    tasks[`${engine} fresh`] = async () => {
      for (const [i, variables] of asked[engine].entries()) read(await engines[engine](sources[engine][i])(variables));
    };
    if (engine === 'tierwise') continue;
    tasks[`${engine} parse`] = () => {
      for (const text of sources[`${engine} alone`]) engines[engine](text);
    };
  }
  return measure(tasks, {
    rounds,
    warmUp,
    prepare(round) {
      // Unseen: where something is known it would not cross, and the difference would not be the parsing alone.
      asked = given(rivals, batch, (i) => {
        const seed = 1000 + round * batch + i;
        return { ...conversation(name, 2, seed, true), ...unseen(seed) };
      });
      const texts = () => Array.from({ length: batch }, () => `{#- ${String((count += 1))} -#}${source}`);
      sources = Object.fromEntries(rivals.flatMap((engine) => [engine, `${engine} alone`]).map((of) => [of, texts()]));
    },
  });
}

/** Renders conversations `from` to `to`, each of a new shape, every hundredth with a template never seen before. */
export async function fill({ engine, name, size, from, to }) {
  const { source } = templates[name];
  let made = engines[engine](source);
  for (let number = from; number < to; number++) {
    if (number % 100 === 99) made = engines[engine](`{#- ${number} -#}${source}`);
    if (number % 100 === 0) made = engines[engine](source);
    read(await made(conversation(name, size, number, true)));
  }
}

/** Whether this package can trim; what it has no function for is not measured. */
export function canTrim() {
  return 'formatChat' in tierwise;
}

/** ms of formatting `turns` questions and answers into `budget` tokens; texts are new in each round. */
export async function trim({ turns, budget, rounds, warmUp }) {
  const template = templates.chatml.source;
  let messages;
  const samples = await measure(
    {
      async tierwise() {
        const { prompt, tokens, dropped } = await tierwise.formatChat(messages, { template, budget });
        if (tokens > budget || tokens < budget / 2) throw new Error(`${tokens} tokens for a budget of ${budget}`);
        if (dropped.length === 0 || !prompt.includes(messages.at(-1).content)) throw new Error('Not trimmed.');
        read(prompt);
      },
    },
    {
      rounds,
      warmUp,
      prepare(round) {
        ({ messages } = given(['one'], 1, () => conversation('chatml', 2 * turns, 1000 + round, false)).one[0]);
      },
    },
  );
  return samples.tierwise;
}
