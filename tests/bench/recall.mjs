/**
 * Recall of the vector index on real vectors: `node tests/bench/recall.mjs <vectors.npy> [rows] [queries]`.
 *
 * The file is a NumPy array (version 1, C order) of float32, one vector a row; rows (100,000) and queries (1,000) are taken from it
 * evenly, none as both. A query counts as right when what was found is as near, within 1e-7, as the nearest by an exact search
 * in 64 bits: texts that are in the file twice have no single nearest.
 */
import { closeSync, openSync, readSync } from 'node:fs';

import { createVectorIndex } from '../../dist/light.js';

const [file, rowsGiven = '100000', queriesGiven = '1000'] = process.argv.slice(2);
if (file === undefined) {
  console.error('Usage: node tests/bench/recall.mjs <vectors.npy> [rows] [queries]');
  process.exit(2);
}
const handle = openSync(file, 'r');
const start = Buffer.alloc(10);
readSync(handle, start, 0, 10, 0);
const headLength = start.readUInt16LE(8);
const head = Buffer.alloc(headLength);
readSync(handle, head, 0, headLength, 10);
const shape = /'descr': '<f4'.*'fortran_order': False.*'shape': \((\d+), (\d+)\)/.exec(head.toString('latin1'));
if (start.toString('latin1', 1, 6) !== 'NUMPY' || shape === null) throw new Error('Not a .npy of float32 rows.');
const [total, dimensions] = [Number(shape[1]), Number(shape[2])];
const rows = Math.min(Number(rowsGiven), total - 1);
const queries = Math.min(Number(queriesGiven), total - rows);
const vector = (i) => {
  const bytes = Buffer.alloc(4 * dimensions);
  readSync(handle, bytes, 0, bytes.length, 10 + headLength + i * bytes.length);
  return new Float32Array(bytes.buffer, bytes.byteOffset, dimensions);
};

// Evenly spread: place i of rows + queries, every so many a query.
const picked = rows + queries;
const stored = new Float32Array(rows * dimensions);
const asked = [];
const index = await createVectorIndex({ dimensions });
for (let i = 0, row = 0; i < picked; i++) {
  const one = vector(Math.floor((i * total) / picked));
  if (Math.floor(((i + 1) * queries) / picked) > asked.length) {
    asked.push(one);
  } else {
    stored.set(one, row * dimensions);
    index.add(row++, one);
  }
}
closeSync(handle);

const cosine = (row, query) => {
  let [product, squares, own] = [0, 0, 0];
  for (let i = 0, at = row * dimensions; i < dimensions; i++) {
    product += stored[at + i] * query[i];
    squares += stored[at + i] * stored[at + i];
    own += query[i] * query[i];
  }
  return product / Math.sqrt(squares * own);
};
let right = 0;
let ten = 0;
let squares = 0;
let worst = 0;
for (const query of asked) {
  const scores = Float64Array.from({ length: rows }, (_, row) => cosine(row, query));
  const best = scores.slice().sort().slice(-10).reverse();
  const [hit] = index.search(query, { k: 1 });
  if (scores[hit.id] >= best[0] - 1e-7) right += 1;
  const error = Math.abs(hit.score - scores[hit.id]);
  squares += error * error;
  worst = Math.max(worst, error);
  ten += index.search(query, { k: 10 }).filter(({ id }) => scores[id] >= best[9] - 1e-7).length;
}
index.close();
console.log(
  `${rows} rows, ${asked.length} queries: recall@1 ${(right / asked.length).toFixed(4)}, ` +
    `recall@10 ${(ten / asked.length / 10).toFixed(4)}; error of scores: standard ${Math.sqrt(squares / asked.length).toExponential(1)}, ` +
    `largest ${worst.toExponential(1)}`,
);
