// The glue Emscripten writes (build/wasm/module/core.js); scripts/build.mjs resolves these names.
declare module '#core-module' {
  export interface CoreModule {
    open(): number;
    close(core: number): void;
    version(core: number): number;
    input(core: number, bytes: number): number;
    output(core: number): number;
    configure(core: number, length: number): number;
    check(core: number, length: number): number;
    plan(core: number, length: number): number;
    addTemplate(core: number, length: number): number;
    render(
      core: number,
      template: number,
      length: number,
      now: number,
      maxSteps: number,
      maxOutputBytes: number,
      ways: number,
    ): number;
    formatChat(core: number, length: number): number;
    contextBlock(core: number, length: number): number;
    phrases(core: number, length: number): number;
    mark(core: number, length: number): number;
    countTokens(core: number, family: number, length: number): number;
    partition(core: number, length: number): number;
    lookUp(
      core: number,
      partition: number,
      length: number,
      now: number,
      maxAge: number,
      allowStale: 0 | 1,
      byId: 0 | 1,
    ): number;
    storable(core: number, length: number): number;
    store(core: number, length: number): number;
    forget(core: number, length: number): number;
    entries(core: number, length: number): number;
    admit(core: number, length: number): number;
    release(core: number, length: number): number;
    succeeded(core: number, length: number): number;
    failed(core: number, length: number): number;
    stage(core: number, length: number): number;
    health(core: number, now: number): number;
    frame(core: number, protocol: number, length: number): number;
    body(core: number, protocol: number, length: number): number;
    settle(core: number, length: number): number;
    /** All of the module's memory. Another array after it grew. */
    readonly HEAPU8: Uint8Array;
    /** Set by js/core.ts: a call ended in a trap, and what it held is lost. The next client gets a new module. */
    trapped?: boolean;
    /** Set by js/load-core.ts where prompts.wasm is a file of its own: loads it, once. */
    addPrompts?: ((find: import('./load-core.js').FindPrompts) => Promise<void>) | undefined;
    /** The stack must be put back after a call that ended in a trap. */
    stackSave(): number;
    stackRestore(stack: number): void;
  }
  const createCore: (options: import('./find-wasm.js').GlueOptions) => Promise<CoreModule>;
  export default createCore;
}
// As above, of meaning.wasm (wasm/meaning_bindings.cpp).
declare module '#meaning-module' {
  const createMeaning: (
    options: import('./find-wasm.js').GlueOptions,
  ) => Promise<import('./embedder/meaning-module.js').MeaningModule>;
  export default createMeaning;
}
declare module '#meaning-base64' {
  const base64: string;
  export default base64;
}
declare module '#core-base64' {
  /** core.wasm, for places that lose the file. */
  const base64: string;
  export default base64;
}
declare module '#prompts-base64' {
  const base64: string;
  export default base64;
}
declare module '#vocabulary' {
  /** models/all-MiniLM-L6-v2/vocab.txt, likewise. */
  const text: string;
  export default text;
}
declare const __TIERWISE_VERSION__: string;
