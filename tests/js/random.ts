/** The same numbers for the same seed (Numerical Recipes' linear congruential generator). */
export function random(seed: number) {
  let state = seed;
  /** A whole number below `count`. */
  const below = (count: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  return { below, pick: <T>(list: readonly T[]) => list[below(list.length)]! };
}
