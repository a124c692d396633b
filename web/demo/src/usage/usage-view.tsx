/** What was used: since the page was opened, and, for those signed in, what the backend has of them or of their company. */
import { lazy, Suspense, useEffect } from 'react';

import { Icon } from '../parts/icon';
import { Segmented } from '../parts/segmented';
import { useQuery } from '../route';
import { useSession } from '../session/session';
import { SummarySkeleton } from './company/summary-skeleton';
import { PageUsage } from './page-usage';
import { useWaiting, WaitingLine } from './waiting';

// The charts come with it: who never looks at it does not load them.
const load = () => import('./company/company-usage');
const CompanyUsage = lazy(() =>
  load().then(
    ({ CompanyUsage }) => ({ default: CompanyUsage }),
    () => ({ default: NotLoaded }),
  ),
);

export function UsageView() {
  const { status, company } = useSession();
  const [from, setFrom] = useQuery('from');
  const waiting = useWaiting();
  // So that it is there when the network is not.
  useEffect(() => {
    if (status === 'in') load().catch(() => undefined);
  }, [status]);
  const source = status === 'in' && from === 'backend' ? 'backend' : 'page';
  const isAdmin = company?.role === 'admin';
  return (
    <section className={source === 'backend' ? 'view flowing' : 'view'} aria-labelledby="usage-title">
      <header className="view-head">
        <h1 id="usage-title" tabIndex={-1}>
          Usage
        </h1>
        <p className="muted">
          {source === 'backend' ? (
            isAdmin ? (
              <>
                Of all of <bdi>{company.name}</bdi>, as the backend has it.
              </>
            ) : (
              'Your own, as the backend has it.'
            )
          ) : (
            `Since this page was opened.${status === 'in' ? '' : ' It is not sent anywhere.'}`
          )}
        </p>
        {status === 'in' && (
          <Segmented
            legend="Whose usage"
            hideLegend
            value={source}
            options={[
              { value: 'page', label: 'This page' },
              { value: 'backend', label: isAdmin ? 'Company' : 'Mine' },
            ]}
            onChange={(next) => setFrom(next === 'backend' ? 'backend' : undefined)}
          />
        )}
      </header>
      {status === 'in' && <WaitingLine {...waiting} />}
      {source === 'backend' ? (
        <Suspense fallback={<SummarySkeleton />}>
          <CompanyUsage deliveries={waiting.deliveries} />
        </Suspense>
      ) : (
        <PageUsage />
      )}
    </section>
  );
}

function NotLoaded() {
  return (
    <div className="failure" role="alert">
      <Icon name="alert" size={18} />
      <div>
        <p className="what">This part of the page could not be loaded. What was recorded is safe.</p>
        <button type="button" className="button primary small" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    </div>
  );
}
