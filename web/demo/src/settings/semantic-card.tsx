/** Whether a stored reply may answer a question in other words: what compares them, how sure it must be, how far it is. */
import { Segmented } from '../parts/segmented';
import { type EmbedderChoice, useModelProgress } from './embedder';
import type { SemanticSettings } from './settings';

const embedders: readonly { value: EmbedderChoice; label: string }[] = [
  { value: 'off', label: 'Off' },
  { value: 'light', label: 'Light' },
  { value: 'minilm', label: 'Light + MiniLM' },
];
const embedderHelp: Record<EmbedderChoice, string> = {
  off: 'Only a question asked word for word is answered from the cache. Nothing is loaded.',
  light: '2 MB, loaded with the first question and kept by the browser. Where it is in doubt, the Space is asked.',
  minilm:
    '2 MB, loaded with the first question, and another 38 MB, with the first reply that is stored; both kept by the browser. Knows whole questions, not only their words, and so is in doubt less often.',
};
const policies: readonly { value: SemanticSettings['policy']; label: string }[] = [
  { value: 'off', label: 'Never' },
  { value: 'strict', label: 'Strict' },
  { value: 'balanced', label: 'Balanced' },
];
const policyHelp: Record<SemanticSettings['policy'], string> = {
  off: 'Only a question asked word for word is answered from the cache. Nothing is loaded.',
  strict: 'At most about one in a hundred questions that are nearly the same is taken for the same.',
  balanced: 'Reuses more. About one in twenty questions that are nearly the same is taken for the same.',
};

export function SemanticCard(props: {
  semantic: SemanticSettings;
  inForce: SemanticSettings;
  onChange: (semantic: SemanticSettings) => void;
}) {
  const { semantic, inForce, onChange } = props;
  const changed = semantic.embedder !== inForce.embedder || semantic.policy !== inForce.policy;
  return (
    <fieldset className="card">
      <legend>Questions in other words</legend>
      <p className="muted section-help">
        “How do I cancel my plan?” and “How can I end my plan?” ask the same: one reply can answer both, without a call.
        They are compared on this device; no text leaves it for that.
      </p>
      <div className="choice">
        <Segmented
          legend="Compared with"
          value={semantic.embedder}
          options={embedders}
          onChange={(embedder) => onChange({ ...semantic, embedder })}
        />
        <p className="help">{embedderHelp[semantic.embedder]}</p>
      </div>
      {semantic.embedder !== 'off' && (
        <div className="choice">
          <Segmented
            legend="Reuse a reply"
            value={semantic.policy}
            options={policies}
            onChange={(policy) => onChange({ ...semantic, policy })}
          />
          <p className="help">{policyHelp[semantic.policy]}</p>
        </div>
      )}
      {changed ? (
        <p className="help">
          Saving this starts the page’s client anew: an answer that is arriving is stopped, and Health measures from the
          beginning.
        </p>
      ) : (
        inForce.embedder !== 'off' && inForce.policy !== 'off' && <Loaded embedder={inForce.embedder} />
      )}
    </fieldset>
  );
}

function Loaded({ embedder }: { embedder: 'light' | 'minilm' }) {
  const light = useModelProgress('light');
  const minilm = useModelProgress('minilm');
  const begun = (embedder === 'light' ? [light] : [light, minilm]).filter((part) => part !== undefined);
  if (begun.length === 0) return <p className="help">Nothing is loaded yet.</p>;
  const loaded = begun.reduce((sum, part) => sum + part.loaded, 0);
  const total = begun.reduce((sum, part) => sum + part.total, 0);
  const lightDecides = light?.loaded === light?.total ? ' The light vectors decide until MiniLM is here.' : '';
  if (loaded < total) {
    return (
      <p className="help meter">
        <progress value={loaded} max={total} aria-label="Loading the model" />
        <span>
          {millions(loaded)} of {millions(total)} MB loaded. Questions are answered meanwhile.{lightDecides}
        </span>
      </p>
    );
  }
  return (
    <p className="help">
      Loaded: {millions(total)} MB. The browser keeps it.
      {embedder === 'minilm' && minilm === undefined ? lightDecides : ''}
    </p>
  );
}

function millions(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
