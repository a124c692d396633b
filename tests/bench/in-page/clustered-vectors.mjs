/**
 * Unit vectors that lie as those of texts do: twenty to a cluster, 64 dimensions that matter behind all there are, and
 * noise. The same on every run.
 */

function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    // mulberry32 (Tommy Ettinger).
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform()) };
}

function unit(vector) {
  let squares = 0;
  for (const x of vector) squares += x * x;
  const length = Math.sqrt(squares);
  return vector.map((x) => x / length);
}

const inner = 64;

/**
 * `rows` vectors, and queries: by turns a stored one disturbed (cosine about 0.94: something asked again) and one of a
 * cluster of its own (something new).
 */
export function clusteredVectors(rows, queries, dimensions) {
  const { uniform, normal } = normals(7);
  const projection = Float32Array.from({ length: inner * dimensions }, normal);
  const project = (z) => {
    const vector = new Float32Array(dimensions);
    for (let k = 0; k < inner; k++) {
      const weight = z[k];
      const row = k * dimensions;
      for (let i = 0; i < dimensions; i++) vector[i] += weight * projection[row + i];
    }
    // A hundredth of the variance is in no dimension that matters.
    for (let i = 0; i < dimensions; i++) vector[i] += 0.8 * normal();
    return unit(vector);
  };
  const centre = () => Float32Array.from({ length: inner }, normal);
  const around = (z) => z.map((x) => x + 0.6 * normal());
  const stored = [];
  for (let z; stored.length < rows;) {
    if (stored.length % 20 === 0) z = centre();
    stored.push(project(around(z)));
  }
  const noise = 0.363 / Math.sqrt(dimensions);
  const asked = Array.from({ length: queries }, (_, i) =>
    i % 2 === 0 ? unit(stored[Math.floor(uniform() * rows)].map((x) => x + noise * normal())) : project(centre()),
  );
  return { stored, asked };
}
