/** The vector index as it is shipped: names, filters, errors, saved bytes. That searches are right: tests/cpp/vector_index_test.cpp. */
import { describe, expect, test } from '@jest/globals';

import { createVectorIndex, type VectorEntry, type VectorIndex } from '../../dist/light.js';

/** Numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
function vectors(count: number, dimensions: number, seed = 1): Float32Array[] {
  const next = random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: dimensions }, next));
}
function cosine(a: Float32Array, b: Float32Array): number {
  let [product, aa, bb] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    product += x * b[i]!;
    aa += x * x;
    bb += b[i]! * b[i]!;
  }
  return product / Math.sqrt(aa * bb);
}
function failure(run: () => unknown): { name?: string; code?: string; field?: string; message?: string } {
  try {
    run();
  } catch (error) {
    return error as object;
  }
  throw new Error('It did not fail.');
}

describe('createVectorIndex', () => {
  test('finds what a search over floats finds, for ids that are strings and numbers', async () => {
    const index = await createVectorIndex({ dimensions: 384 });
    const rows = vectors(700, 384);
    const id = (i: number) => (i % 2 === 0 ? i : `row ${String(i)}`);
    index.addAll(rows.map((vector, i) => ({ id: id(i), vector })));
    expect(index.size).toBe(700);
    expect(index.bytes).toBeGreaterThan(700 * 480);
    for (const query of [...vectors(10, 384, 2), rows[17]!]) {
      const right = rows.map((row, i) => ({ id: id(i), score: cosine(row, query) })).sort((a, b) => b.score - a.score);
      const hits = index.search(query, { k: 5 });
      expect(hits).toHaveLength(5);
      for (const [i, hit] of hits.entries()) {
        expect(hit.score).toBeCloseTo(right[i]!.score, 3);
        expect(hit.score).toBeCloseTo(right.find((one) => one.id === hit.id)!.score, 3);
      }
    }
    expect(index.search([...rows[17]!])[0]).toEqual({ id: 'row 17', score: expect.closeTo(1, 5) });
    expect(index.search(rows[0]!)).toHaveLength(10);
    expect(index.search(rows[0]!, { minScore: 0.9 })).toHaveLength(1);
    index.close();
  });

  test('keeps partitions and tags apart', async () => {
    const index = await createVectorIndex({ dimensions: 16 });
    const [one, two] = vectors(2, 16) as [Float32Array, Float32Array];
    index.add('a', one, { partition: 'ada', tags: ['new', 'short'] });
    index.add('b', one, { partition: 'ada', tags: ['new'] });
    index.add('c', one, { partition: 'bob' });
    const ids = (options: object) => index.search(one, options).map(({ id }) => id);
    expect(ids({})).toEqual([]);
    expect(ids({ partition: 'ada' })).toEqual(['a', 'b']);
    expect(ids({ partition: 'bob' })).toEqual(['c']);
    expect(ids({ partition: 'eve' })).toEqual([]);
    expect(ids({ partition: 'ada', filter: ['new', 'short'] })).toEqual(['a']);
    expect(ids({ partition: 'ada', filter: ['unheard of'] })).toEqual([]);
    index.update('a', two);
    expect(ids({ partition: 'ada', filter: ['short'], minScore: 0.9 })).toEqual([]);
    index.update('a', one, { tags: [] });
    expect(ids({ partition: 'ada', filter: ['short'] })).toEqual([]);
    expect(index.remove('b')).toBe(true);
    expect(index.remove('b')).toBe(false);
    expect(ids({ partition: 'ada' })).toEqual(['a']);
    expect(index.remove('a')).toBe(true);
    // Its number goes to another, which sees nothing of it.
    index.add('d', one, { partition: 'dan' });
    expect(ids({ partition: 'ada' })).toEqual([]);
    expect(ids({ partition: 'dan' })).toEqual(['d']);
  });

  test('is saved and comes back', async () => {
    const index = await createVectorIndex({ dimensions: 48 });
    const rows = vectors(1500, 48);
    index.addAll(
      rows.map((vector, i) => ({ id: i, vector, partition: `p${String(i % 3)}`, tags: i % 5 === 0 ? ['five'] : [] })),
    );
    for (let i = 0; i < 1500; i += 4) index.remove(i);
    // A partition that went, and one of the same name and another number.
    index.add('x', rows[0]!, { partition: 'gone' });
    index.add('y', rows[0]!, { partition: 'stays' });
    index.remove('x');
    index.add('z', rows[0]!, { partition: 'other' });
    index.add('x', rows[0]!, { partition: 'gone' });
    const bytes = index.save();
    const back = await createVectorIndex({ dimensions: 48, from: bytes });
    expect(back.size).toBe(index.size);
    for (const partition of ['p0', 'p1', 'p2', 'gone', 'stays', 'other', 'none']) {
      for (const filter of [[], ['five']]) {
        expect(back.search(rows[5]!, { partition, filter, k: 50 })).toEqual(
          index.search(rows[5]!, { partition, filter, k: 50 }),
        );
      }
    }
    expect(back.save()).toEqual(bytes);
    back.add(0, rows[0]!, { partition: 'p0' });
    expect(back.search(rows[0]!, { partition: 'p0' })[0]!.id).toBe(0);
    const empty = (await createVectorIndex({ dimensions: 48 })).save();
    expect((await createVectorIndex({ dimensions: 48, from: empty })).size).toBe(0);
  });

  test('refuses what was saved when a byte of it is altered or its end is missing', async () => {
    const index = await createVectorIndex({ dimensions: 4 });
    index.addAll(vectors(3, 4).map((vector, i) => ({ id: `id ${String(i)}`, vector })));
    const bytes = index.save();
    const refused = { name: 'RequestError', code: 'invalid-snapshot', field: 'from' };
    const load = (from: Uint8Array, dimensions = 4) => createVectorIndex({ dimensions, from });
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 1 << (at % 8);
      await expect(load(altered)).rejects.toMatchObject(refused);
      await expect(load(bytes.slice(0, at))).rejects.toMatchObject(refused);
    }
    await expect(load(Uint8Array.of(...bytes, 0))).rejects.toMatchObject(refused);
    await expect(load(bytes, 5)).rejects.toMatchObject({ ...refused, message: expect.stringContaining('dimensions') });
  });

  test('names what is wrong, and changes nothing', async () => {
    const index = await createVectorIndex({ dimensions: 3 });
    index.add('there', [1, 2, 3]);
    const add = (entry: unknown) => () => {
      index.addAll([{ id: 'fine', vector: [1, 1, 1], tags: ['t'], partition: 'p' }, entry as VectorEntry]);
    };
    const cases: [run: () => unknown, code: string, field: string][] = [
      [() => index.add({} as string, [1, 2, 3]), 'invalid-input', 'id'],
      [() => index.add(NaN, [1, 2, 3]), 'invalid-input', 'id'],
      [() => index.add('there', [1, 2, 3]), 'duplicate-id', 'id'],
      [() => index.add('a', [1, 2]), 'invalid-vector', 'vector'],
      [() => index.add('a', new Float32Array(4)), 'invalid-vector', 'vector'],
      [() => index.add('a', [0, 0, 0]), 'invalid-vector', 'vector'],
      [() => index.add('a', [1, NaN, 0]), 'invalid-vector', 'vector'],
      [() => index.add('a', Float32Array.of(1, Infinity, 0)), 'invalid-vector', 'vector'],
      [() => index.add('a', 'abc' as never), 'invalid-vector', 'vector'],
      [() => index.add('a', [1, 2, 3], { tags: [''] }), 'invalid-input', 'tags'],
      [() => index.add('a', [1, 2, 3], { partition: 1 as never }), 'invalid-input', 'partition'],
      [() => index.add('a', [1, 2, 3], { tgas: [] } as never), 'invalid-input', 'tgas'],
      [
        () => index.add('a', [1, 2, 3], { tags: Array.from({ length: 33 }, (_, i) => `t${String(i)}`) }),
        'too-many-tags',
        'tags',
      ],
      [add({ id: 'b', vector: [1] }), 'invalid-vector', 'entries[1].vector'],
      [add({ vector: [1, 2, 3] }), 'invalid-input', 'entries[1].id'],
      [add({ id: 'fine', vector: [1, 2, 3] }), 'duplicate-id', 'entries[1].id'],
      [add(undefined), 'invalid-input', 'entries[1]'],
      [() => index.addAll(7 as never), 'invalid-input', 'entries'],
      [() => index.update('nobody', [1, 2, 3]), 'unknown-id', 'id'],
      [() => index.update('there', [0, 0, 0]), 'invalid-vector', 'vector'],
      [() => index.search([1, 2]), 'invalid-vector', 'vector'],
      [() => index.search([1, 2, 3], { k: 0 }), 'invalid-input', 'k'],
      [() => index.search([1, 2, 3], { minScore: 2 }), 'invalid-input', 'minScore'],
      [() => index.search([1, 2, 3], { filter: 'x' as never }), 'invalid-input', 'filter'],
    ];
    for (const [run, code, field] of cases) {
      const error = failure(run);
      expect({ name: error.name, code: error.code, field: error.field }).toEqual({ name: 'RequestError', code, field });
      expect(error.message).toContain(field);
      expect(index.size).toBe(1);
      expect(index.search([1, 2, 3])).toEqual([{ id: 'there', score: expect.closeTo(1, 5) }]);
      expect(index.search([1, 2, 3], { partition: 'p' })).toEqual([]);
    }
    index.close();
    index.close();
    const all: (() => unknown)[] = [
      () => index.add('a', [1, 2, 3]),
      () => index.addAll([]),
      () => index.update('there', [1, 2, 3]),
      () => index.remove('there'),
      () => index.search([1, 2, 3]),
      () => index.save(),
    ];
    for (const run of all) expect(failure(run).code).toBe('closed');
    expect(index.size).toBe(0);
    for (const dimensions of [undefined, 1, 4097, 2.5, '3']) {
      await expect(createVectorIndex({ dimensions: dimensions as number })).rejects.toMatchObject({
        code: 'invalid-input',
        field: 'dimensions',
      });
    }
    await expect(createVectorIndex({ dimensions: 3, from: [] as never })).rejects.toMatchObject({ field: 'from' });
  });

  test('makes unit vectors of its own', async () => {
    const index = await createVectorIndex({ dimensions: 2 });
    index.add(1, [1000, 0]);
    index.add(2, [0, 0.001]);
    expect(index.search([3, 3]).map(({ score }) => score)).toEqual([
      expect.closeTo(0.7071, 3),
      expect.closeTo(0.7071, 3),
    ]);
    index.close();
  });

  test('stands beside others', async () => {
    const some: VectorIndex[] = [];
    for (let i = 0; i < 20; i++) {
      some.push(await createVectorIndex({ dimensions: 384 }));
      some[i]!.addAll(vectors(300, 384, i).map((vector, id) => ({ id: `${String(i)}-${String(id)}`, vector })));
    }
    for (const [i, index] of some.entries()) {
      expect(index.search(vectors(3, 384, i)[2]!, { k: 1 })[0]).toEqual({
        id: `${String(i)}-2`,
        score: expect.closeTo(1, 5),
      });
      index.close();
    }
  });
});
