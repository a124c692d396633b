/**
 * What goes back to the page: JSON, and for everything that failed one shape, `{ success: false, error, code }` with the
 * HTTP status that says what to do about it. Every answer lets any page read it: nothing here depends on cookies, only on
 * the token that the page sends itself.
 */

/** What a caller is told. Anything else that is thrown is an internal error and told as nothing but that. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;
  /** The field of the body that it is about, where it is about one. */
  field: string | undefined;
  /** The constraint of the database that refused it. */
  constraint: string | undefined;
  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const cors: Record<string, string> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  // Those of supabase-js, and those of the page.
  'access-control-allow-headers':
    'authorization, x-client-info, apikey, content-type, x-retry-count, traceparent, tracestate, baggage, ' +
    'content-encoding, if-none-match, cache-control, last-event-id, x-gradio-user, x-hf-bill-to, x-tierwise-company, ' +
    'x-tierwise-timeout',
  'access-control-expose-headers':
    'etag, retry-after, ratelimit, ratelimit-policy, x-error-code, x-error-message, x-request-id, x-tierwise-from',
  'access-control-max-age': '7200',
};

/** Of every answer, whatever it holds: nothing in it is run or guessed at by a browser. */
const always: Record<string, string> = {
  ...cors,
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
};

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}

export function failure({ status, code, message, headers, field }: Refusal): Response {
  return json({ success: false, error: message, code, field }, status, headers);
}

/** The answer as it leaves: with what every answer carries. */
export function sealAnswer(response: Response, requestId: string): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(always)) headers.set(name, value);
  headers.set('x-request-id', requestId);
  return new Response(response.body, { status: response.status, headers });
}
