/** How things are: as this page measured it, and, with a backend, as the backend does. */
import { Segmented } from '../parts/segmented';
import { useQuery } from '../route';
import { useSession } from '../session/session';
import { PageHealth } from './page-health';
import { SystemHealth } from './system-health';

export function HealthView() {
  const { status } = useSession();
  const [show, setShow] = useQuery('show');
  const system = show === 'system' && status !== 'none';
  return (
    <section className="view flowing" aria-labelledby="health-title">
      <header className="view-head">
        <h1 id="health-title" tabIndex={-1}>
          Health
        </h1>
        <p className="muted">
          {system
            ? 'As measured by the backend, for everybody.'
            : 'As measured by this page. Looking at it calls nobody.'}
        </p>
        {status !== 'none' && (
          <Segmented
            legend="Whose measurements"
            hideLegend
            value={system ? 'system' : 'page'}
            options={[
              { value: 'page', label: 'This page' },
              { value: 'system', label: 'System' },
            ]}
            onChange={(next) => setShow(next === 'system' ? next : undefined)}
          />
        )}
      </header>
      {system ? <SystemHealth /> : <PageHealth />}
    </section>
  );
}
