/**
 * Secrets out of text that people or logs will see. Known shapes are cut wherever they stand; a caller that
 * holds a secret of another shape names it in `known`.
 */
const shapes: readonly [RegExp, string][] = [
  [/\bhf_[A-Za-z0-9]{6,}/g, 'hf_[redacted]'],
  [/\bsk-[A-Za-z0-9_-]{6,}/g, 'sk-[redacted]'],
  [/\bsb_secret_[A-Za-z0-9_-]+/g, 'sb_secret_[redacted]'],
  [/\beyJ[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g, '[redacted token]'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, '$1 [redacted]'],
  [/([?&](?:__sign|token|access_token|api_key|apikey|key)=)[^&\s"']+/gi, '$1[redacted]'],
];
/** Stands in every text that one of the shapes fits: most texts are done with after this one look. */
const hint = /hf_|sk-|sb_secret_|eyJ|Bearer|Basic|[?&](?:__sign|token|access_token|api_?key|key)=/i;

export function redact(text: string, known: readonly string[] = []): string {
  let clean = text;
  for (const secret of known) if (secret.length >= 4) clean = clean.split(secret).join('[redacted]');
  if (!hint.test(clean)) return clean;
  for (const [shape, replacement] of shapes) clean = clean.replace(shape, replacement);
  return clean;
}

/** Whether a literal looks like a secret that must not stand in a page. */
export function looksLikeSecret(text: string): boolean {
  return /^(?:Bearer\s+)?(?:hf_|sk-|sb_secret_|api_org_)/i.test(text.trim());
}
