/** What administrators own: Spaces, flags, models, keys, the company, and the trail of who changed what. */
import { Empty } from '../parts/empty';
import { Tabs } from '../parts/tabs';
import { address, useQuery } from '../route';
import { useSession } from '../session/session';
import { CompanyPart } from './company-part';
import { FlagsPart } from './flags-part';
import { KeysPart } from './keys-part';
import { ModelsPart } from './models-part';
import { SpacesPart } from './spaces-part';
import { TrailPart } from './trail-part';

const parts = [
  { value: 'spaces', label: 'Spaces', Part: SpacesPart },
  { value: 'flags', label: 'Flags', Part: FlagsPart },
  { value: 'models', label: 'Models', Part: ModelsPart },
  { value: 'keys', label: 'Keys', Part: KeysPart },
  { value: 'company', label: 'Company', Part: CompanyPart },
  { value: 'trail', label: 'Trail', Part: TrailPart },
] as const;

export function AdminView() {
  const { status, user, company } = useSession();
  const [asked] = useQuery('part');
  const { value, Part } = parts.find((part) => part.value === asked) ?? parts[0];
  const admin = status === 'in' && company?.role === 'admin';
  return (
    <section className={`view admin${value === 'models' && admin ? '' : ' flowing'}`} aria-labelledby="admin-title">
      <header className="view-head">
        <h1 id="admin-title" tabIndex={-1}>
          Admin
        </h1>
        {admin && (
          <p className="muted">
            What holds for everybody at <bdi>{company.name}</bdi>. It is kept in the backend.
          </p>
        )}
      </header>
      {admin ? (
        <>
          <Tabs
            label="Parts of Admin"
            value={value}
            options={parts.map((part) => ({ ...part, href: address('admin', { part: part.value }) }))}
          />
          {/* Another user or company: nothing that was read or typed before stays. */}
          <Part key={`${String(user?.id)} ${company.id}`} />
        </>
      ) : status === 'none' ? (
        <Empty icon="admin" title="There is no backend here">
          <p>With one, administrators set Spaces, flags, models and keys here for everybody in their company.</p>
          <a className="button primary" href={address('settings')}>
            Set up this browser alone
          </a>
        </Empty>
      ) : status === 'out' ? (
        <Empty icon="admin" title="Sign in as an administrator">
          <p>Spaces, flags, models and keys of a company are set here, by its administrators.</p>
          <a className="button primary" href={address('account')}>
            Sign in
          </a>
        </Empty>
      ) : (
        <Empty icon="admin" title="This page is for administrators">
          <p>
            {company === undefined
              ? `${user?.name ?? 'You'} is in no company yet. An administrator can add you to theirs.`
              : `At ${company.name} you are a member: you use what its administrators set here. Ask one of them to change it, or to make you one.`}
          </p>
          <a className="button primary" href={address('health', { show: 'system' })}>
            See how the system is
          </a>
        </Empty>
      )}
    </section>
  );
}
