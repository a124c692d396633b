/** Counts what crosses into the module's functions, from its import on; `trap` makes every one of them throw. */
export const crossings = { count: 0, trap: false };

const get = WebAssembly.Table.prototype.get as (this: WebAssembly.Table, index: number) => unknown;
WebAssembly.Table.prototype.get = function (index: number) {
  const entry = get.call(this, index) as (...all: unknown[]) => unknown;
  return (...all: unknown[]) => {
    crossings.count += 1;
    if (crossings.trap) throw new WebAssembly.RuntimeError('unreachable');
    return entry(...all);
  };
};
