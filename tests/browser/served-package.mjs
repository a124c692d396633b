/** The built package as a web server has it, in a page under the strict Content-Security-Policy. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { openPage, root } from './harness.mjs';

export const policy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; object-src 'none'";
export const modelFolder = 'models/all-MiniLM-L6-v2';

/**
 * @param {import('playwright-core').Browser} browser
 * @param {{ changed?: object, policy?: string, headers?: object, more?: object }} options  `changed` takes the place of
 *   some files and may be changed while the page is open; `more`: further routes
 */
export async function openPackage(browser, { changed = {}, policy: csp = policy, headers = {}, more = {} } = {}) {
  const asked = [];
  const serveFile = (route, file) => (request, response) => {
    asked.push(route.split('/').pop());
    const own = changed[route.split('/').pop()];
    if (own === 404) return void response.writeHead(404, headers).end('not found');
    const type =
      own?.type ??
      (/\.js$/.test(route)
        ? 'text/javascript'
        : /\.wasm$/.test(route)
          ? 'application/wasm'
          : 'application/octet-stream');
    response.writeHead(200, {
      'content-type': type,
      'cache-control': 'no-store',
      'content-security-policy': csp,
      ...headers,
    });
    response.end(own?.body ?? readFileSync(file));
  };
  const routes = { ...more };
  for (const name of readdirSync(path.join(root, 'dist')).filter((file) => /\.(js|wasm)$/.test(file))) {
    routes[`/pkg/dist/${name}`] = serveFile(`/pkg/dist/${name}`, path.join(root, 'dist', name));
  }
  const data = ['model.onnx', 'vocab.txt', 'light.bin'].map((name) => `${modelFolder}/${name}`);
  for (const name of [...data, 'models/guard/words.bin', 'models/guard/judge.bin']) {
    routes[`/pkg/${name}`] = serveFile(`/pkg/${name}`, path.join(root, name));
  }
  const opened = await openPage(browser, { csp, headers, routes });
  const run = (task, argument) =>
    opened.page.evaluate(`(async () => {
      const tierwise = await import('/pkg/dist/minilm.js');
      const tell = (error) => ({ error: error.name + ' ' + error.code, message: error.message });
      return (${String(task)})(tierwise, ${JSON.stringify(argument) ?? 'undefined'}, tell);
    })()`);
  return { ...opened, run, asked, changed };
}
