/**
 * Gradio Spaces, versions 4.10 to 6: the queue protocol, with `/call` where the queue cannot be used:
 * - the server answers `/queue/join` with 404 or 405 (a gateway that lets only `/call` through);
 * - the app speaks a queue protocol this file does not know.
 * Either way is remembered for the connection. Which function answers and which input takes what is told in
 * `gradio-endpoint.ts` and `gradio-inputs.ts`; parameter names are fetched once (`/info`) when there is a choice.
 *
 * Every call goes below the connection's own base, where `/config` was found, whatever `config.root` says.
 * Gradio counts no tokens, so there is no usage; a job that completes has finish reason `stop`.
 */
import { CallFailure } from './call-failure.js';
import { runWithCall } from './gradio-call.js';
import type { GradioConfig, GradioDependency } from './gradio-config.js';
import { findEndpoint } from './gradio-endpoint.js';
import { fillInputs, findRoles, parameterNames, visibleInputs, type InputRoles } from './gradio-inputs.js';
import type { GradioJob } from './gradio-job.js';
import { runInQueue } from './gradio-queue.js';
import { GradioReply } from './gradio-reply.js';
import type { CallHandlers, Connection, ModelRequest, TransportContext, TransportResult } from './transport.js';

export { parseGradioConfig, type GradioConfig } from './gradio-config.js';

const infoTimeouts = { firstChunk: 8000, stall: 8000 };
const knownProtocols = new Map([
  ['sse_v1', { diffs: false }],
  ['sse_v2', { diffs: true }],
  ['sse_v2.1', { diffs: true }],
  ['sse_v3', { diffs: true }],
]);

export function gradio(context: TransportContext, config: GradioConfig): Connection {
  return new GradioConnection(context, config);
}

interface Endpoint {
  dependency: GradioDependency;
  roles: InputRoles;
}

class GradioConnection implements Connection {
  readonly protocol = 'gradio';
  readonly base: string;
  readonly #context: TransportContext;
  readonly #config: GradioConfig;
  readonly #api: string;
  #endpoint: Endpoint | undefined;
  #queueRefused = false;

  constructor(context: TransportContext, config: GradioConfig) {
    this.base = context.base;
    this.#context = context;
    this.#config = config;
    this.#api = `${context.base}${config.apiPrefix}`;
  }

  async call(request: ModelRequest, handlers: CallHandlers): Promise<TransportResult> {
    try {
      return await this.#call(request, handlers);
    } catch (failure) {
      if (!(failure instanceof RangeError)) throw failure;
      // What the app sent is nested deeper than the stack of this page is.
      throw new CallFailure({ kind: 'protocol', message: 'The Space sent data that is nested too deeply.' }, failure);
    }
  }

  async #call(request: ModelRequest, handlers: CallHandlers): Promise<TransportResult> {
    const known = this.#knownProtocol();
    const { dependency, roles } = await this.#findEndpoint(handlers.signal);
    const shaped = await this.#shaped(request, handlers);
    const reply = new GradioReply(dependency.outputs, handlers.onPart);
    const job: GradioJob = {
      http: this.#context.http,
      clock: this.#context.clock,
      api: this.#api,
      dependency,
      data: fillInputs(dependency, roles, shaped, this.#config.major),
      session: sessionHash(this.#context.random),
      diffs: known?.diffs ?? false,
      reply,
      handlers,
    };
    const { outputs, via } = await this.#run(job, known !== undefined);
    return { ...reply.finish(outputs, this.#api), finish: 'stop', via };
  }

  /** An app formats its prompt itself, unless a template is configured for it: then all of it goes as one text. */
  async #shaped(request: ModelRequest, handlers: CallHandlers): Promise<ModelRequest> {
    const { prompts } = this.#context;
    if (!prompts.explicit) return { ...request, messages: await prompts.messages(request, handlers) };
    const { prompt } = await prompts.text(request, handlers);
    return { ...request, messages: [{ role: 'user', content: prompt }] };
  }

  async #run(job: GradioJob, queueKnown: boolean) {
    const { apiName } = job.dependency;
    let refusal: CallFailure | undefined;
    if ((queueKnown && !this.#queueRefused) || apiName === undefined) {
      try {
        return { outputs: await runInQueue(job), via: 'queue' };
      } catch (failure) {
        if (apiName === undefined || !isRefusal(failure)) throw failure;
        refusal = failure;
      }
    }
    try {
      const outputs = await runWithCall(job, apiName);
      this.#queueRefused ||= refusal !== undefined;
      return { outputs, via: '/call' };
    } catch (failure) {
      // Neither way is there: what the queue said comes first.
      if (refusal !== undefined && isRefusal(failure)) throw refusal;
      this.#queueRefused ||= refusal !== undefined;
      throw failure;
    }
  }

  /** Throws for apps that cannot be spoken to, with what to do. */
  #knownProtocol(): { diffs: boolean } | undefined {
    const { authRequired, major, protocol, version } = this.#config;
    if (authRequired) {
      throw new CallFailure({
        kind: 'http',
        status: 401,
        headers: {},
        message:
          'This Gradio app has a login page (launch(auth=…)), which a page on another origin cannot pass. ' +
          'Make the Space private and use a token instead of a Gradio login.',
      });
    }
    const known = knownProtocols.get(protocol);
    if (known === undefined && (major < 4 || protocol === 'ws' || protocol === 'sse')) {
      throw new CallFailure({
        kind: 'protocol',
        message:
          `This Space runs Gradio ${version}, whose protocol (${protocol}) is no longer in use. ` +
          'Its owner can set sdk_version to 4.44.1 or newer in the README of the Space.',
      });
    }
    return known;
  }

  async #findEndpoint(signal: AbortSignal): Promise<Endpoint> {
    if (this.#endpoint !== undefined) return this.#endpoint;
    const { endpoint, inputs: mapping } = this.#context.config;
    const dependency = findEndpoint(this.#config, endpoint, mapping);
    let inputs = visibleInputs(dependency);
    const { apiName } = dependency;
    let certain = true;
    if (inputs.length > 1 && apiName !== undefined) {
      const parameters = await this.#parameters(apiName, signal);
      certain = parameters !== undefined;
      if (parameters !== undefined) inputs = visibleInputs(dependency, parameters);
    }
    const roles = findRoles(inputs, mapping);
    if (roles.prompt === undefined && roles.history === undefined) {
      throw new CallFailure({
        kind: 'protocol',
        message: `No input of endpoint /${apiName ?? String(dependency.id)} takes a text. Set inputs.prompt to the one that does, or another endpoint.`,
      });
    }
    const found = { dependency, roles };
    if (certain) this.#endpoint = found;
    return found;
  }

  /** Labels and types do without names when `/info` fails. */
  async #parameters(apiName: string, signal: AbortSignal): Promise<string[] | undefined> {
    try {
      const info = await this.#context.http.json(`${this.#api}/info`, {
        signal,
        timeouts: infoTimeouts,
      });
      return parameterNames(info, apiName) ?? [];
    } catch (failure) {
      if (signal.aborted) throw failure;
      return undefined;
    }
  }
}

function isRefusal(failure: unknown): failure is CallFailure {
  return (
    failure instanceof CallFailure &&
    failure.facts.kind === 'http' &&
    (failure.facts.status === 404 || failure.facts.status === 405)
  );
}

function sessionHash(random: () => number): string {
  let hash = '';
  while (hash.length < 12) hash += Math.floor(random() * 36).toString(36);
  return hash;
}
