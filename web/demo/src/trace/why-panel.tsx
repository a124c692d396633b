/** Why this answer: every decision as a sentence on one time axis; what was passed over is greyed, with its reason. */
import type { Json, JsonObject, Trace, TraceStep } from 'tierwise';
import type { ChatMessage } from 'tierwise/react';
import { useMemo } from 'react';

import { useConversation } from '../chat/conversation';
import { useExplanations } from '../chat/explanations';
import { CopyButton } from '../parts/copy-button';
import { Empty } from '../parts/empty';
import { Panel } from '../parts/panel';
import { targetName } from '../tiers';
import { duration } from '../words';
import { Candidates } from './candidates';

const stepWords: Record<TraceStep['step'], string> = {
  context: 'Context',
  check: 'Checked',
  plan: 'Planned',
  cache: 'Cache',
  semantic: 'Other words',
  join: 'Shared call',
  wake: 'Woke the Space',
  queue: 'Waited',
  prompt: 'Prompt made',
  call: 'Called',
  reply: 'Reply read',
  store: 'Stored',
};
const outcomeWords: Record<TraceStep['outcome'], string> = {
  done: '',
  hit: 'hit',
  miss: 'miss',
  skipped: 'skipped',
  failed: 'failed',
  'passed-over': 'passed over',
};

export function WhyPanel({ messageId, onClose }: { messageId: string | undefined; onClose: () => void }) {
  const { messages } = useConversation();
  const at = messages.findIndex(({ id }) => id === messageId);
  const message = messages[at];
  const question = messages[at - 1];
  const running = message?.status === 'waiting' || message?.status === 'streaming';
  const live = useLiveTrace(running ? message : undefined);
  const trace = message?.trace ?? live;
  const explained = useExplanations().of(message?.reply?.id);
  return (
    <Panel title="Why this answer" label="Steps" onClose={onClose}>
      {trace === undefined ? (
        <Empty icon="why" title="No steps here yet">
          <p>Ask a question: each decision on the way to its answer shows here as it is taken, with its reason.</p>
        </Empty>
      ) : (
        <>
          {question !== undefined && (
            <p className="asked" dir="auto">
              {question.content}
            </p>
          )}
          <Waterfall trace={trace} running={running} />
          {explained !== undefined && <Candidates looks={explained.looks} />}
          <RawParts question={question} message={message} />
          <CopyButton
            text={() => JSON.stringify({ ...trace, ...(explained && { semantic: explained.looks }) }, undefined, 2)}
            label="Copy as JSON"
            small={false}
          />
        </>
      )}
    </Panel>
  );
}

/** The steps of the request that is running, as they are taken. */
function useLiveTrace(message: ChatMessage | undefined): Trace | undefined {
  const { decisions } = useConversation();
  return useMemo(() => {
    const requestId = decisions.at(-1)?.requestId;
    if (message === undefined || requestId === undefined) return undefined;
    const steps = decisions.filter((decision) => decision.requestId === requestId);
    const total = Math.max(...steps.map((step) => step.at + step.duration));
    return { startedAt: message.createdAt, total, firstPart: undefined, steps };
  }, [decisions, message]);
}

function Waterfall({ trace, running }: { trace: Trace; running: boolean }) {
  const total = Math.max(trace.total, 0.01);
  return (
    <>
      <p className="panel-total">
        <strong>{running ? 'Running' : duration(trace.total)}</strong>
        <span className="muted">
          {running
            ? `${duration(trace.total)} so far`
            : trace.firstPart === undefined
              ? 'in all'
              : `in all, first words after ${duration(trace.firstPart)}`}
        </span>
      </p>
      <div className="axis" aria-hidden="true">
        <span>0</span>
        <span>{duration(total / 2)}</span>
        <span>{duration(total)}</span>
      </div>
      <ol className="steps">
        {trace.steps.map((step, at) => (
          <Step key={at} step={step} total={total} />
        ))}
      </ol>
    </>
  );
}

function Step({ step, total }: { step: TraceStep; total: number }) {
  const left = Math.min(99, (step.at / total) * 100);
  const width = Math.min(100 - left, (step.duration / total) * 100);
  const word = outcomeWords[step.outcome];
  return (
    <li className={`step step-${step.outcome}`}>
      <div className="step-head">
        <span className="step-name">
          {stepWords[step.step]}
          {step.target !== undefined && <span className="muted"> {targetName(step.target)}</span>}
        </span>
        {word !== '' && <span className={`outcome outcome-${step.outcome}`}>{word}</span>}
        <span className="step-time">{step.outcome === 'passed-over' ? '' : duration(step.duration)}</span>
      </div>
      {step.outcome !== 'passed-over' && (
        <div className="track" aria-hidden="true">
          <span style={{ insetInlineStart: `${left.toFixed(2)}%`, inlineSize: `max(2px, ${width.toFixed(2)}%)` }} />
        </div>
      )}
      <p dir="auto">{step.because}</p>
      {factsOf(step) !== undefined && (
        <details>
          <summary>Facts</summary>
          <Facts facts={factsOf(step)!} />
        </details>
      )}
    </li>
  );
}

/** The sentence of a target that was passed over says all that its code does. */
function factsOf({ outcome, details }: TraceStep): JsonObject | undefined {
  const names = Object.keys(details ?? {});
  return names.length === 0 || (outcome === 'passed-over' && names.join() === 'code') ? undefined : details;
}

function Facts({ facts }: { facts: JsonObject }) {
  return (
    <dl className="facts">
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="mono">{plain(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function plain(value: Json | undefined): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '–');
}

/** The request and the reply as they went out and came in; tokens never stand in either. */
function RawParts({ question, message }: { question: ChatMessage | undefined; message: ChatMessage | undefined }) {
  const reply = message?.reply;
  const { trace: _, ...answer } = reply ?? { trace: undefined };
  return (
    <>
      {question !== undefined && (
        <details className="raw">
          <summary>Request</summary>
          <pre tabIndex={0}>{JSON.stringify({ prompt: question.content, ...message?.options }, undefined, 2)}</pre>
        </details>
      )}
      {reply !== undefined && (
        <details className="raw">
          <summary>Reply</summary>
          <pre tabIndex={0}>{JSON.stringify(answer, undefined, 2)}</pre>
        </details>
      )}
    </>
  );
}
