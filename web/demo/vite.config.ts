/**
 * The demo uses the package as a person gets it: `tierwise`, `tierwise/minilm` and `tierwise/react` are the built files in
 * `dist/`; the models they name become assets.
 * Relative addresses throughout, so the result in `build/demo` works below any path. The policy is in the page itself
 * for any server; the dev server's own inline scripts would break it, so it is added to builds only.
 */
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const policy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "connect-src 'self' http://127.0.0.1:* http://localhost:* https:; object-src 'none'; base-uri 'none'";

export default defineConfig({
  root: at('.'),
  base: './',
  resolve: {
    alias: [
      { find: /^tierwise\/follow-config$/, replacement: at('../../dist/follow-config.js') },
      { find: /^tierwise\/react$/, replacement: at('../../dist/react.js') },
      { find: /^tierwise\/minilm$/, replacement: at('../../dist/minilm.js') },
      { find: /^tierwise$/, replacement: at('../../dist/index.js') },
    ],
    dedupe: ['react', 'react-dom'],
  },
  // The model's files lie beside dist/, which is outside of this root.
  server: { fs: { allow: [at('../..')] } },
  plugins: [
    react(),
    {
      name: 'content-security-policy',
      apply: 'build',
      transformIndexHtml: () => [
        { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
      ],
    },
  ],
  build: {
    outDir: at('../../build/demo'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
