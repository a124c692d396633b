/** What each chart says, as its title. */
import { count, dollars, duration, fineDollars, plural } from '../../words';
import { type Compared, type Part, modelName, shortModel, tierName } from './summary';

export function share(part: number, whole: number): string {
  if (whole === 0) return '–';
  const percent = (part / whole) * 100;
  if (part > 0 && percent < 1) return 'under 1 %';
  if (part < whole && percent > 99) return 'over 99 %';
  return `${String(Math.round(percent))} %`;
}

export function answersMessage({ answered, cached, failed }: Part): string {
  const answers = answered + cached;
  const failures = failed === 0 ? '' : `; ${plural(failed, 'attempt')} failed`;
  if (answers === 0) return `Nothing was answered${failures}`;
  if (cached === 0) return `${plural(answers, 'answer')}, none from the cache yet${failures}`;
  return `Cache answered ${share(cached, answers)} of ${plural(answers, 'request')}${failures}`;
}

export function savingsMessage({ cost, saved, cached, unpriced }: Part): string {
  if (cached === 0) return 'The cache has saved nothing yet: every answer was a new one';
  if (saved === undefined) return 'What the cache saved is not known: no model used has a price';
  if (saved === 0) return 'The cache saved no money: what it answered is free of charge or has no price';
  if (cost === undefined || unpriced > 0) return `The cache saved ${dollars(saved)}; some answers have no price`;
  return `The cache saved ${dollars(saved)}, ${share(saved, cost + saved)} of what all answers would have cost`;
}

/** `of`: `cost` or tokens. */
export function mostMessage(
  parts: readonly Part[],
  measure: 'cost' | 'tokens',
  name: (part: string) => string,
): string {
  const value = (part: Part) => (measure === 'cost' ? part.cost : part.inputTokens + part.outputTokens);
  const words = measure === 'cost' ? dollars : (tokens: number | undefined) => `${count(tokens)} tokens`;
  const known = parts.filter((part) => value(part) !== undefined);
  const whole = known.reduce((sum, part) => sum + value(part)!, 0);
  const most = [...known].sort((a, b) => value(b)! - value(a)!)[0];
  if (most === undefined)
    return measure === 'cost' ? 'What it cost is not known: no price is set' : 'No tokens were used';
  if (whole === 0) return measure === 'cost' ? 'Nothing was charged' : 'No tokens were used';
  const label = name(most.part);
  if (known.length === 1)
    return measure === 'cost' ? `${label} cost all of ${words(whole)}` : `${label} used all of ${words(whole)}`;
  return measure === 'cost'
    ? `${label} cost most: ${words(value(most))} of ${words(whole)}`
    : `${label} used most: ${count(value(most))} of ${words(whole)}`;
}
export const modelMessage = (parts: readonly Part[], measure: 'cost' | 'tokens') =>
  mostMessage(parts, measure, modelName);
export const tierMessage = (parts: readonly Part[], measure: 'cost' | 'tokens') =>
  mostMessage(parts, measure, (tier) => `${tierName(tier)}${tier === '' ? '' : ' tier'}`);

export function comparisonMessage(compared: readonly Compared[], total: Part): string {
  const tokens = compared.filter(({ unit }) => unit === 'tokens');
  const least = tokens[0];
  const most = tokens.at(-1);
  if (least === undefined || most === undefined) return 'No model has a price to compare with';
  if (total.inputTokens + total.outputTokens === 0) return 'There are no tokens to compare the cost of yet';
  if (least === most || least.wouldCost === most.wouldCost)
    return `The same tokens would have cost ${fineDollars(most.wouldCost)} with ${shortModel(most.model)}`;
  return `The same tokens would have cost ${fineDollars(least.wouldCost)} with ${shortModel(least.model)}, ${fineDollars(most.wouldCost)} with ${shortModel(most.model)}`;
}

export function latencyMessage({ p50, p95 }: Part): string {
  if (p50 === undefined) return 'How long answers took is not known yet';
  return `Half of the new answers came within ${duration(p50)}, 95 % within ${duration(p95)}`;
}

export function peopleMessage(parts: readonly Part[], name: (id: string) => string): string {
  const answers = (part: Part) => part.answered + part.cached;
  const most = [...parts].sort((a, b) => answers(b) - answers(a))[0];
  if (most === undefined) return 'Nobody has asked anything yet';
  const whole = parts.reduce((sum, part) => sum + answers(part), 0);
  return parts.length === 1
    ? `${name(most.part)} asked all of ${plural(whole, 'question')} that were answered`
    : `${name(most.part)} asked most: ${count(answers(most))} of ${plural(whole, 'answer')}`;
}
