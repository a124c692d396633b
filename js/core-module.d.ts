// The glue Emscripten writes (build/wasm/module/core.js); scripts/build.mjs resolves these names.
declare module '#core-module' {
  export interface RawCore {
    version(): string;
    input(bytes: number): number;
    output(): number;
    memory(): Uint8Array;
    configure(length: number): number;
    check(length: number): number;
    plan(length: number): number;
    partition(length: number): number;
    lookUp(partition: number, length: number, now: number, maxAge: number, allowStale: boolean): number;
    storable(length: number): number;
    store(length: number): number;
    forget(length: number): number;
    entries(length: number): number;
    admit(length: number): number;
    release(length: number): number;
    succeeded(length: number): number;
    failed(length: number): number;
    stage(length: number): number;
    health(now: number): number;
    frame(protocol: number, length: number): number;
    body(protocol: number, length: number): number;
    settle(length: number): number;
    delete(): void;
  }
  export interface CoreModule {
    Core: new () => RawCore;
  }
  const createCore: (options: {
    wasmBinary?: ArrayBuffer | Uint8Array;
    locateFile?: (name: string) => string;
    print?: (text: string) => void;
    printErr?: (text: string) => void;
  }) => Promise<CoreModule>;
  export default createCore;
}
declare module '#core-base64' {
  /** core.wasm, for places that lose the file. */
  const base64: string;
  export default base64;
}
declare const __TIERWISE_VERSION__: string;
