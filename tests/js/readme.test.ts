/** What the README says is so: its snippets compile and run, and it names every setting, option and method there is. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';
import ts from 'typescript';

import { createClient } from '../../dist/index.js';
import { bench, chat, closeAll, failureOf, json, Models } from './client-bench.ts';

afterEach(closeAll);

const root = path.resolve(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const snippets = [...readme.matchAll(/^```(tsx?)\n([^]*?)^```/gm)].map(([, language, code]) => ({
  language: language!,
  code: code!,
}));

test('its snippets compile in a strict project', () => {
  expect(snippets.map(({ language }) => language)).toEqual(['ts', 'ts', 'ts', 'ts', 'ts', 'tsx']);
  const folder = path.join(root, 'build/readme');
  mkdirSync(folder, { recursive: true });
  const files = snippets.map(({ language, code }, i) => {
    const file = path.join(folder, `snippet-${String(i)}.${language}`);
    writeFileSync(file, code);
    return file;
  });
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.ReactJSX,
    types: [],
    paths: {
      tierwise: [path.join(root, 'dist/index.d.ts')],
      'tierwise/light': [path.join(root, 'dist/light.d.ts')],
      'tierwise/minilm': [path.join(root, 'dist/minilm.d.ts')],
      'tierwise/react': [path.join(root, 'dist/react/index.d.ts')],
    },
  });
  const problems = ts.getPreEmitDiagnostics(program);
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([]);
});

describe('its first snippet', () => {
  const real = globalThis.fetch;
  afterEach(() => {
    globalThis.fetch = real;
  });

  test('runs against Spaces of the Hub', async () => {
    const models = new Models(({ url, host }) => {
      const { pathname } = new URL(url);
      const space = /^\/api\/spaces\/you\/([a-z-]+)$/.exec(pathname)?.[1];
      if (space !== undefined) {
        const stated = { id: `you/${space}`, sdk: 'docker', sha: 'a1', runtime: { stage: 'RUNNING' } };
        return json({ ...stated, host: `https://you-${space}.hf.space` });
      }
      if (pathname === '/v1/models') return json({ data: [{ id: 'tiny', owned_by: 'vllm' }] });
      if (pathname === '/v1/chat/completions') return chat(['From ', host, '.']);
      return json({ detail: 'Not Found' }, 404);
    });
    globalThis.fetch = models.fetch as typeof fetch;
    const said: unknown[][] = [];
    const shown: string[] = [];
    const run = snippets[0]!.code.replace(/^import .*\n/gm, '');
    const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
    await AsyncFunction(
      'createClient',
      'console',
      'document',
      run,
    )(
      (config: never) => createClient({ ...(config as object), storage: 'memory' }),
      { log: (...all: unknown[]) => said.push(all) },
      { body: { append: (text: string) => shown.push(text) } },
    );
    expect(said).toEqual([['From you-company-llm.hf.space.', 'space', expect.any(Array)]]);
    expect(shown.join('')).toBe('From you-base-llm.hf.space.');
  });
});

describe('it names', () => {
  const known = (message: string) => /known are (.*)\.$/.exec(message)![1]!.split(', ');
  const missing = (names: readonly string[]) =>
    names.filter((name) => !new RegExp(`[\`.]${name}[\`.({(]`).test(readme));

  test('every setting', () => {
    let message = '';
    try {
      createClient({ nothing: 1 } as never);
    } catch (error) {
      ({ message } = error as Error);
    }
    expect(missing(known(message))).toEqual([]);
  });
  test('every option of a request', async () => {
    const error = await failureOf(bench().client.generate('Hi', { nothing: 1 } as never));
    expect(missing(known(error.message))).toEqual([]);
  });
  test('every method of a client', () => {
    const prototype = Object.getPrototypeOf(bench().client) as object;
    const methods = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
    expect(methods.length).toBeGreaterThan(15);
    expect(missing(methods)).toEqual([]);
  });
});
