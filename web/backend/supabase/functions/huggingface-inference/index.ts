/**
 * `POST /functions/v1/huggingface-inference` `{ modelId, task, inputs, parameters?, stream? }` ->
 * `{ success: true, result, cost_credits, latency_ms }`, for any model enabled in huggingface_models and its task:
 * - text-generation: `[{ generated_text }]`, without the prompt. `inputs`: text, or messages `[{ role, content }]`.
 *   With `stream: true` server-sent events: `{ text }` for each part, then the answer above (or a failure), then `[DONE]`;
 * - feature-extraction: a vector for a text, a list of them for a list of texts;
 * - text-to-image: `{ image }`, a data URL;
 * - image-classification: `[{ label, score }]`, best first. `inputs`: the image as base64 or data URL.
 * A credit is a US dollar by the price table, null where it has no price. Every call is one row of llm_observations.
 */
import { json, Refusal } from '../_shared/answer.ts';
import { readJson } from '../_shared/body.ts';
import { take } from '../_shared/database.ts';
import { type Call, endpoint } from '../_shared/endpoint.ts';
import { configurationOf, keyOf } from '../_shared/targets.ts';
import { tasks } from './tasks.ts';
import { observe, type Observation } from './observe.ts';
import { streamText } from './text.ts';
import { badKey, type Inference } from './inference.ts';

const kMostBytes = 10_485_760;
const modelName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;

export default { fetch: endpoint('huggingface-inference', { POST: infer }) };

async function infer(call: Call): Promise<Response> {
  const { request, caller, company, timeoutMs } = call;
  const began = performance.now();
  const body = await readJson(request, kMostBytes);
  const { modelId, task, inputs, parameters = {}, stream = false } = body;
  if (typeof modelId !== 'string' || !modelName.test(modelId) || modelId.includes('..'))
    throw new Refusal(400, 'invalid-field', 'modelId must be the id of a model, as owner/name.');
  if (typeof task !== 'string' || !Object.hasOwn(tasks, task))
    throw new Refusal(400, 'invalid-field', `task must be one of ${Object.keys(tasks).join(', ')}.`);
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
    throw new Refusal(400, 'invalid-field', 'parameters must be an object.');
  if (typeof stream !== 'boolean' || (stream && task !== 'text-generation'))
    throw new Refusal(400, 'invalid-field', 'stream is for text-generation: true or false.');
  await take(caller, 'inference', company);
  const configuration = await configurationOf(caller, company);
  const model = configuration.models.find(({ id }) => id === modelId);
  if (model === undefined) throw new Refusal(404, 'model-not-enabled', 'This model is not enabled here.');
  if (model.task !== task) throw new Refusal(400, 'wrong-task', `This model is for ${model.task}.`);
  const key = await keyOf('router', configuration.company.id);
  if (key === undefined) throw badKey();
  const signal =
    timeoutMs === undefined ? request.signal : AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  const inference: Inference = {
    model: modelId,
    inputs,
    parameters: parameters as Record<string, unknown>,
    key,
    signal,
  };
  const finish = (seen: Omit<Observation, 'model' | 'totalMs'>) =>
    observe(caller, configuration.company.id, {
      ...seen,
      model: modelId,
      totalMs: Math.round(performance.now() - began),
    });

  try {
    if (stream) return await streamText(inference, began, finish);
    const { result, ...counted } = await tasks[task as keyof typeof tasks](inference);
    const { cost, totalMs } = await finish({ kind: 'complete', ...counted });
    return json({ success: true, result, cost_credits: cost, latency_ms: totalMs });
  } catch (error) {
    const left = error instanceof Refusal && error.code === 'caller-left';
    const refused = error instanceof Refusal && error.status === 400;
    if (!refused)
      await finish({ kind: left ? 'cancel' : 'error', errorClass: error instanceof Refusal ? error.code : 'internal' });
    throw error;
  }
}
