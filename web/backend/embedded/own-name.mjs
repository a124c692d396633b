/**
 * Whether a request was sent to a name of this machine (its `Host`): one that came under a foreign name that leads here
 * (DNS rebinding) is of a page that must not read what is here.
 */
export function isOwnName(request) {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(request.headers.host ?? '');
}
