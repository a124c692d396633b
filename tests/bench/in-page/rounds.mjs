/**
 * Rivals measured side by side: every round runs each of them once, in an order that turns from round to round, so
 * that whatever disturbs the machine meets them all.
 */

/**
 * @param {Record<string, (round: number) => Promise<unknown> | unknown>} rivals
 * @param {{ rounds: number, warmUp: number, prepare?: (round: number) => void }} options  `prepare` runs before each
 *   round and is not timed
 * @returns {Promise<Record<string, number[]>>} ms of each round
 */
export async function measure(rivals, { rounds, warmUp, prepare = () => {} }) {
  const names = Object.keys(rivals);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    prepare(round + warmUp);
    const turn = Math.abs(round) % names.length;
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const began = performance.now();
      await rivals[name](round + warmUp);
      const took = performance.now() - began;
      if (round >= 0) samples[name].push(took);
    }
    // Timers and rendering have their turn between rounds, not inside one.
    if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return samples;
}

/** Text of about `length` characters, different for each `seed`, the same on every run. */
export function words(length, seed) {
  const list = 'the cache keeps what a model said so that asking twice costs nothing more than a look in a table'.split(
    ' ',
  );
  let state = (seed * 2654435761 + 1) >>> 0;
  let text = `Question ${String(seed)}:`;
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += ` ${list[state % list.length]}`;
  }
  return text.slice(0, length);
}
