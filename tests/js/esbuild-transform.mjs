/** Jest's transform for TypeScript: types stripped by esbuild, ES modules kept, source maps inside. */
import { createHash } from 'node:crypto';

import { transformSync, version } from 'esbuild';

const options = (file) => ({
  loader: file.endsWith('.tsx') ? 'tsx' : 'ts',
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  sourcemap: 'inline',
  sourcefile: file,
});

export default {
  process: (source, file) => ({ code: transformSync(source, options(file)).code }),
  getCacheKey: (source, file) =>
    createHash('sha256')
      .update(`${version}\n${JSON.stringify(options(file))}\n${source}`)
      .digest('hex'),
};
