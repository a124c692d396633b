/** What a built ES module imports, followed through the files beside it. */
import { buildSync } from 'esbuild';

/**
 * @param {string} folder
 * @param {string} entry  relative to `folder`
 * @returns {{ files: string[], packages: string[] }}  files reached (dynamic imports too) and bare specifiers imported
 */
export function importsFrom(folder, entry) {
  const { metafile } = buildSync({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: 'none',
    write: false,
    metafile: true,
    packages: 'external',
    logLevel: 'silent',
  });
  const inputs = Object.entries(metafile.inputs);
  return {
    files: inputs.map(([name]) => name).sort(),
    packages: [
      ...new Set(
        inputs.flatMap(([, { imports }]) => imports.filter(({ external }) => external).map(({ path }) => path)),
      ),
    ].sort(),
  };
}
