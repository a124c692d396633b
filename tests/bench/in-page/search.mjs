/** The nearest of many vectors: the index of `tierwise/light` beside its rivals, all of them filled with the same vectors. */
import { createOrama, insertOrama, loadHnswlib, searchOrama } from '/peers.js';
import { createVectorIndex } from '/tierwise/light.js';

import { clusteredVectors } from './clustered-vectors.mjs';
import { measure } from './rounds.mjs';
import { watchMemories } from './wasm-memory.mjs';

const dimensions = 384;

/** How a competent page does it without a library: one array, four sums. */
function scan(all, rows, query) {
  let best = -1;
  let most = -2;
  for (let row = 0; row < rows; row++) {
    const at = row * dimensions;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < dimensions; i += 4) {
      a += all[at + i] * query[i];
      b += all[at + i + 1] * query[i + 1];
      c += all[at + i + 2] * query[i + 2];
      d += all[at + i + 3] * query[i + 3];
    }
    const score = a + b + c + d;
    if (score > most) [most, best] = [score, row];
  }
  return best;
}

export async function run({ rows, queries }) {
  const { stored, asked } = clusteredVectors(rows, queries, dimensions);
  const insertUs = {};
  const timed = async (name, act) => {
    const began = performance.now();
    await act();
    insertUs[name] = ((performance.now() - began) * 1000) / rows;
  };

  const wasmBytes = watchMemories();
  const index = await createVectorIndex({ dimensions });
  await timed('tierwise', () => {
    for (let i = 0; i < rows; i++) index.add(i, stored[i]);
  });
  const memory = { index: index.bytes, wasm: wasmBytes() };
  const batched = await createVectorIndex({ dimensions });
  await timed('addAll', () => batched.addAll(stored.map((vector, id) => ({ id, vector }))));
  batched.close();

  const library = await loadHnswlib();
  const hnsw = new library.HierarchicalNSW('cosine', dimensions, '');
  hnsw.initIndex(rows, 16, 200, 100);
  hnsw.setEfSearch(50);
  await timed('hnsw', async () => {
    for (let i = 0; i < rows; i++) {
      hnsw.addPoint(stored[i], i, false);
      if (i % 1000 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
  });

  const orama = createOrama({ schema: { vector: `vector[${dimensions}]` } });
  await timed('orama', async () => {
    for (let i = 0; i < rows; i++) await insertOrama(orama, { id: String(i), vector: Array.from(stored[i]) });
  });

  const all = new Float32Array(rows * dimensions);
  await timed('loop', () => {
    for (let i = 0; i < rows; i++) all.set(stored[i], i * dimensions);
  });

  const found = { tierwise: [], hnsw: [], orama: [], loop: [] };
  const samples = await measure(
    {
      tierwise: (i) => void (found.tierwise[i] = index.search(asked[i % queries], { k: 1 })[0].id),
      hnsw: (i) => void (found.hnsw[i] = hnsw.searchKnn(asked[i % queries], 1, undefined).neighbors[0]),
      orama: async (i) => {
        const value = asked[i % queries];
        const { hits } = await searchOrama(orama, { vector: { value, property: 'vector' }, similarity: 0, limit: 1 });
        found.orama[i] = Number(hits[0]?.id);
      },
      loop: (i) => void (found.loop[i] = scan(all, rows, asked[i % queries])),
    },
    { rounds: queries, warmUp: Math.min(queries, 40) },
  );
  const ten = await measure(
    { tierwise: (i) => index.search(asked[i % queries], { k: 10 }) },
    { rounds: queries, warmUp: Math.min(queries, 40) },
  );
  const recall = Object.fromEntries(
    Object.entries(found).map(([name, rowsFound]) => [
      name,
      rowsFound.filter((row, i) => row === found.loop[i]).length / rowsFound.length,
    ]),
  );
  // Two rows may be as near as makes no difference.
  const cosine = (row, query) => stored[row].reduce((sum, x, i) => sum + x * query[i], 0);
  const asNear = found.tierwise.filter((row, i) => {
    const query = asked[i % queries];
    return cosine(row, query) >= cosine(found.loop[i], query) - 1e-4;
  }).length;
  index.close();
  return {
    samples: { ...samples, ten: ten.tierwise },
    insertUs,
    memory,
    recall: { ...recall, asNear: asNear / found.tierwise.length },
  };
}
