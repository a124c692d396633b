/** Every form an address may have, and what a person reads when it has none of them. */
import { describe, expect, test } from '@jest/globals';

import { isLoopback, parseSpaceAddress, requireServiceUrl } from '../../js/transports/space-address.ts';

const hub = (id: string) => ({ kind: 'hub', id });
const direct = (base: string, subdomain?: string, loopback = false) => ({
  kind: 'direct',
  base,
  origin: new URL(base).origin,
  subdomain,
  loopback,
});

describe('accepted', () => {
  test.each([
    ['owner/name', hub('owner/name')],
    [' owner/name ', hub('owner/name')],
    ['owner/name/', hub('owner/name')],
    ['HuggingFaceH4/zephyr-chat', hub('HuggingFaceH4/zephyr-chat')],
    ['stabilityai/stable-diffusion-3.5', hub('stabilityai/stable-diffusion-3.5')],
    ['user/tmp_test_space', hub('user/tmp_test_space')],
    ['https://huggingface.co/spaces/owner/name', hub('owner/name')],
    ['https://huggingface.co/spaces/owner/name/', hub('owner/name')],
    ['https://huggingface.co/spaces/owner/name/tree/main', hub('owner/name')],
    ['https://huggingface.co/spaces/owner/name/settings', hub('owner/name')],
    ['https://hf.co/spaces/owner/name', hub('owner/name')],
    ['https://owner-name.hf.space', direct('https://owner-name.hf.space', 'owner-name')],
    ['https://owner-name.hf.space/', direct('https://owner-name.hf.space', 'owner-name')],
    ['https://OWNER-name.hf.space/app/', direct('https://owner-name.hf.space/app', 'owner-name')],
    ['https://llm.example.com', direct('https://llm.example.com')],
    ['https://llm.example.com:8443/models/base', direct('https://llm.example.com:8443/models/base')],
    ['http://localhost:7860', direct('http://localhost:7860', undefined, true)],
    ['http://127.0.0.1:7860/', direct('http://127.0.0.1:7860', undefined, true)],
    ['http://127.1:7860', direct('http://127.0.0.1:7860', undefined, true)],
    ['http://[::1]:7860', direct('http://[::1]:7860', undefined, true)],
    ['http://space.localhost:7860', direct('http://space.localhost:7860', undefined, true)],
    ['https://localhost:7860', direct('https://localhost:7860', undefined, true)],
  ])('%s', (address, expected) => {
    expect(parseSpaceAddress(address)).toEqual(expected);
  });

  test('pages of another Hub, when there is one', () => {
    expect(parseSpaceAddress('http://127.0.0.1:5000/spaces/o/n', 'http://127.0.0.1:5000')).toEqual(hub('o/n'));
    expect(parseSpaceAddress('http://127.0.0.1:5001/spaces/o/n', 'http://127.0.0.1:5000')).toMatchObject({
      kind: 'direct',
    });
  });
});

describe('refused, with what to change', () => {
  test.each([
    [undefined, /must be a text/],
    [42, /must be a text/],
    ['', /must be a text/],
    ['name', /owner\/name/],
    ['owner/name/more', /owner\/name/],
    ['spaces/owner/name', /write owner\/name/],
    ['localhost:7860', /write http:\/\/localhost:7860/],
    ['127.0.0.1:7860/x', /write http:\/\/127/],
    ['owner-name.hf.space', /write https:\/\/owner-name.hf.space/],
    ['example.com/llm', /write https:\/\/example.com\/llm/],
    ['https://', /not a valid URL/],
    ['https://exa mple.com', /not a valid URL/],
    ['http://owner-name.hf.space', /must be https/],
    ['http://192.168.0.10:7860', /must be https/],
    ['http://localhost.example.com', /must be https/],
    ['http://0.0.0.0:7860', /must be https/],
    ['ftp://owner-name.hf.space', /must begin with https/],
    ['javascript://owner/name', /must begin with https/],
    ['https://user:secret@owner-name.hf.space', /user name or password/],
    ['https://token@owner-name.hf.space', /user name or password/],
    ['https://owner-name.hf.space/?__theme=light', /query/],
    ['https://owner-name.hf.space/?', /query/],
    ['https://owner-name.hf.space/#top', /fragment/],
    ['https://huggingface.co/owner/name', /not of a Space/],
    ['https://huggingface.co/spaces/owner', /names no Space/],
    ['https://huggingface.co/', /not of a Space/],
    ['https://huggingface.co/spaces/owner/na%20me', /names no Space/],
    ['https://owner-name.hf.space/api/generate', /endpoint to "\/api\/generate"/],
    ['https://owner-name.hf.space/v1/chat/completions', /endpoint to "\/v1\/chat\/completions"/],
    ['http://localhost:8080/v1', /endpoint to "\/v1"/],
    [`https://x.hf.space/${'a'.repeat(3000)}`, /longer than/],
  ])('%s', (address, message) => {
    expect(() => parseSpaceAddress(address)).toThrow(message);
  });

  test('a secret in a refused address is not repeated', () => {
    expect(() => parseSpaceAddress('https://user:hf_abcdefghijkl@x.hf.space')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hf_abc') }),
    );
  });
});

test.each([
  ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
  ['https://api.openai.com/v1/', 'https://api.openai.com/v1'],
  ['http://localhost:54321/functions/v1/gateway', 'http://localhost:54321/functions/v1/gateway'],
])('service %s', (given, expected) => {
  expect(requireServiceUrl(given, 'proxyUrl')).toBe(expected);
});

test.each([
  ['http://api.example.com'],
  ['api.example.com'],
  [''],
  [undefined],
  ['https://a:b@c.example'],
  ['https://c.example/?key=1'],
])('service %s is refused', (given) => {
  expect(() => requireServiceUrl(given, 'proxyUrl')).toThrow(/^proxyUrl /);
});

test.each([
  ['localhost', true],
  ['a.localhost', true],
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['[::1]', true],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['0.0.0.0', false],
  ['10.0.0.1', false],
  ['[::2]', false],
  ['', false],
])('loopback %s: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});
