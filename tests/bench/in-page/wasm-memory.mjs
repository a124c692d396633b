/**
 * Hears of every WebAssembly memory this page makes from now on; gives the function that adds up their bytes. To be
 * called before anything is loaded.
 */
export function watchMemories() {
  const memories = [];
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...given) => {
      const made = await original.apply(WebAssembly, given);
      const { exports } = made.instance ?? made;
      for (const value of Object.values(exports)) if (value instanceof WebAssembly.Memory) memories.push(value);
      return made;
    };
  }
  return () => {
    if (memories.length === 0) throw new Error('No WebAssembly memory was seen.');
    return memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  };
}
