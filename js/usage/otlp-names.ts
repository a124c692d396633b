/**
 * Every name and boundary of OpenTelemetry's GenAI conventions that is sent, as of semantic conventions 1.41.1
 * (docs/gen-ai: gen-ai-spans.md, gen-ai-metrics.md; status: development), and our own, which begin with `tierwise.`.
 */
export const schemaUrl = 'https://opentelemetry.io/schemas/1.41.1';

export const attributes = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  firstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  tokenType: 'gen_ai.token.type',
  errorType: 'error.type',
  serviceName: 'service.name',
  serviceVersion: 'service.version',
  // Ours.
  tier: 'tierwise.tier',
  target: 'tierwise.target',
  source: 'tierwise.source',
  attempt: 'tierwise.attempt',
  cost: 'tierwise.cost_usd',
  saved: 'tierwise.saved_usd',
  estimated: 'tierwise.tokens_estimated',
  interaction: 'tierwise.interaction_id',
  label: 'tierwise.context_label',
} as const;

const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
export const metrics = {
  tokens: {
    name: 'gen_ai.client.token.usage',
    unit: '{token}',
    bounds: [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
  },
  duration: { name: 'gen_ai.client.operation.duration', unit: 's', bounds: seconds },
  firstChunk: { name: 'gen_ai.client.operation.time_to_first_chunk', unit: 's', bounds: seconds },
} as const;
