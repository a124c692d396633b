/**
 * One function: `endpoint(name, { POST: handle })` is its `fetch`. Answers preflights, checks the token, names the request,
 * turns whatever is thrown into the one error answer, and writes one line to the log: when, which function, method, status,
 * code and duration. No path, no query, no header, no body and no text of an error is in it.
 */
import { failure, Refusal, sealAnswer } from './answer.ts';
import { type Caller, callerOf, uuid } from './token.ts';

export interface Call {
  request: Request;
  caller: Caller;
  /** The company named by `x-tierwise-company`; undefined: the caller's first. */
  company: string | undefined;
  /** What follows the function's name in the address, without a slash at its beginning. */
  path: string;
  query: URLSearchParams;
  /** When the page stops waiting (`x-tierwise-timeout`, ms from its sending); undefined: it does not say. */
  timeoutMs: number | undefined;
}
type Handler = (call: Call) => Promise<Response>;
export type Methods = Partial<Record<'GET' | 'POST' | 'PUT' | 'DELETE', Handler>>;

export function endpoint(name: string, methods: Methods): (request: Request) => Promise<Response> {
  return async (request) => {
    const began = performance.now();
    const requestId = crypto.randomUUID();
    let code = '';
    let response: Response;
    try {
      response = await answer(name, methods, request);
    } catch (error) {
      const refusal =
        error instanceof Refusal ? error : new Refusal(500, 'internal', `Something went wrong here (${requestId}).`);
      if (refusal.code === 'internal') logBug(name, requestId, error);
      code = refusal.code;
      response = failure(refusal);
    }
    if (request.method !== 'OPTIONS') {
      const ms = Math.round(performance.now() - began);
      const at = new Date().toISOString();
      console.log(
        JSON.stringify({
          at,
          requestId,
          function: name,
          method: known(request.method),
          status: response.status,
          code,
          ms,
        }),
      );
    }
    return sealAnswer(response, requestId);
  };
}

async function answer(name: string, methods: Methods, request: Request): Promise<Response> {
  if (request.method === 'OPTIONS') return new Response(undefined, { status: 204 });
  const caller = await callerOf(request);
  const handler = Object.hasOwn(methods, request.method) ? methods[request.method as keyof Methods] : undefined;
  if (handler === undefined)
    throw new Refusal(405, 'wrong-method', 'This function has no such method.', {
      allow: Object.keys(methods).join(', '),
    });
  const url = new URL(request.url);
  const company = request.headers.get('x-tierwise-company') ?? undefined;
  if (company !== undefined && !uuid.test(company))
    throw new Refusal(400, 'invalid-company', 'x-tierwise-company must be the id of a company.');
  const timeout = request.headers.get('x-tierwise-timeout');
  if (timeout !== null && !/^[1-9]\d{0,6}$/.test(timeout))
    throw new Refusal(400, 'invalid-timeout', 'x-tierwise-timeout must be milliseconds.');
  return handler({
    request,
    caller,
    company,
    path: url.pathname.replace(/^\/functions\/v1(?=\/)/, '').replace(new RegExp(`^/${name}/?`), ''),
    query: url.searchParams,
    timeoutMs: timeout === null ? undefined : Number(timeout),
  });
}

function known(method: string): string {
  return ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD'].includes(method) ? method : 'other';
}

/** What an unexpected error was, without its text, which may hold anything. */
function logBug(name: string, requestId: string, error: unknown): void {
  const { code, stack } = (error ?? {}) as { code?: unknown; stack?: unknown };
  const kind = error instanceof Error ? error.constructor.name : typeof error;
  const frames = typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at /.test(line)) : [];
  console.error(
    JSON.stringify({
      requestId,
      function: name,
      bug: kind,
      state: typeof code === 'string' ? code : '',
      frames: frames.slice(0, 8),
    }),
  );
}
