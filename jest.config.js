/**
 * Jest over native ES modules: `NODE_OPTIONS=--experimental-vm-modules npx jest [file]`.
 * Tests of the package as shipped import `../../dist/…`; tests of one source file import it from `../../js/…`.
 */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests/js'],
  testMatch: ['**/*.test.ts', '**/*.test.tsx'],
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: { '\\.tsx?$': '<rootDir>/tests/js/esbuild-transform.mjs' },
  // Sources import each other as `./name.js`; the file is `./name.ts`. Real .js files (packages, dist) come last.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.tsx', '$1.js'] },
};
