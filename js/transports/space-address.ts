/**
 * What a person may write as the address of a Space -> where it is. Accepted: `owner/name`,
 * `https://huggingface.co/spaces/owner/name[/…]`, `https://owner-name.hf.space[/…]`, any other https origin (custom
 * domains), and loopback addresses, which may be http. Refused, with what to change: other schemes, user names,
 * queries and fragments, pages of the Hub that are no Space, URLs that end in an endpoint.
 * The host of a Space is never guessed from its name: the Hub is asked (js/transports/hub.ts).
 */
import { TierwiseError } from '../errors.js';

export type SpaceAddress =
  /** Known to the Hub by id; its host is asked for. */
  | { kind: 'hub'; id: string }
  /** Called where it says. `subdomain`: of hf.space, by which the Hub finds the Space. */
  | { kind: 'direct'; base: string; origin: string; subdomain: string | undefined; loopback: boolean };

const longest = 2048;
const hubHosts = ['huggingface.co', 'www.huggingface.co', 'hf.co'];
const spaceId = /^[A-Za-z0-9][A-Za-z0-9_-]*\/[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const examples = 'Write owner/name, https://huggingface.co/spaces/owner/name or https://owner-name.hf.space.';
/** Paths of the protocols that are spoken: they belong into `endpoint`, or are found without being named. */
const endpointPath =
  /\/(?:api\/(?:generate|predict)|v1(?:\/.*)?|generate|generate_stream|completion|config|gradio_api(?:\/.*)?)$/;

/** `hubUrl`: another Hub than huggingface.co whose Space pages count as such. */
export function parseSpaceAddress(address: unknown, hubUrl?: string): SpaceAddress {
  if (typeof address !== 'string' || address.trim() === '')
    throw wrong(`the address of a Space must be a text. ${examples}`);
  const text = address.trim();
  if (text.length > longest) throw wrong(`the address is longer than ${String(longest)} characters.`);
  if (!text.includes('://')) return parseWithoutScheme(text);
  const url = parseUrl(text, 'the address');
  const path = url.pathname.replace(/\/+$/, '');
  if (
    hubHosts.includes(url.hostname.replace(/\.$/, '')) ||
    (hubUrl !== undefined && url.origin === new URL(hubUrl).origin && path.startsWith('/spaces/'))
  ) {
    return parseHubPage(path);
  }
  const endpoint = endpointPath.exec(path);
  if (endpoint !== null) {
    throw wrong(
      `the address ends in an endpoint. Set url to "${url.origin}${path.slice(0, endpoint.index)}" and endpoint to "${endpoint[0]}".`,
    );
  }
  return {
    kind: 'direct',
    base: url.origin + path,
    origin: url.origin,
    subdomain: /^([a-z0-9-]+)\.hf\.space$/.exec(url.hostname)?.[1],
    loopback: isLoopback(url.hostname),
  };
}

/** An address of a service (provider, proxy, Hub): https, or http on loopback. Gives it without a trailing slash. */
export function requireServiceUrl(address: unknown, what: string): string {
  if (typeof address !== 'string' || address.trim() === '') throw wrong(`${what} must be a URL.`);
  const url = parseUrl(address.trim(), what);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** This machine: the one place that is called without encryption. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}

function parseWithoutScheme(text: string): SpaceAddress {
  const id = text.replace(/\/+$/, '');
  if (spaceId.test(id)) return { kind: 'hub', id };
  if (/^(?:spaces\/)/.test(id)) throw wrong(`"${shown(text)}" has one part too many: write owner/name.`);
  if (/^(?:localhost|127\.|\[::1\])/.test(text))
    throw wrong(`"${shown(text)}" has no scheme: write http://${shown(text)}.`);
  if (/^[^/\s]+\.[a-z]{2,}(?::\d+)?(?:\/|$)/i.test(text))
    throw wrong(`"${shown(text)}" has no scheme: write https://${shown(text)}.`);
  throw wrong(`"${shown(text)}" is not the address of a Space. ${examples}`);
}

function parseHubPage(path: string): SpaceAddress {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts[0] !== 'spaces') {
    throw wrong(`"${shown(path)}" is a page of the Hub, but not of a Space: it must begin with /spaces/. ${examples}`);
  }
  const id = parts.slice(1, 3).join('/');
  if (!spaceId.test(id)) throw wrong(`the Hub page names no Space. ${examples}`);
  return { kind: 'hub', id };
}

function parseUrl(text: string, what: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong(`${what} is not a valid URL. Write it in full, with https:// in front.`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw wrong(`${what} must begin with https://; it begins with ${shown(url.protocol)}//.`);
  if (url.username !== '' || url.password !== '')
    throw wrong(`${what} holds a user name or password: remove it, and set token instead.`);
  if (url.search !== '' || text.includes('?'))
    throw wrong(`${what} has a query: remove everything from the question mark on.`);
  if (url.hash !== '' || text.includes('#')) throw wrong(`${what} has a fragment: remove everything from the # on.`);
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw wrong(
      `${what} must be https: tokens and prompts are not sent unencrypted. Only this machine (localhost, 127.0.0.1) may be http.`,
    );
  }
  return url;
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function wrong(message: string): TierwiseError {
  return new TierwiseError('invalid-address', message);
}
