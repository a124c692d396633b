/** Of requests that carry a token of the page's own: no cookies go along, no redirect takes it elsewhere, nothing is kept. */
export const privateFetch = {
  credentials: 'omit',
  redirect: 'error',
  cache: 'no-store',
  referrerPolicy: 'no-referrer',
} as const satisfies RequestInit;
