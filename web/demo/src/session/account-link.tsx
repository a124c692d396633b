/** At the end of the side bar, or in the bar at the top: who is signed in, and the way to the account. */
import { Icon } from '../parts/icon';
import { address } from '../route';
import { useSession } from './session';

export const roleWords = { admin: 'administrator', member: 'member' } as const;

export function AccountLink({ current }: { current: boolean }) {
  const { status, user, company } = useSession();
  if (status === 'none') return null;
  return (
    <a className="account-link" href={address('account')} aria-current={current ? 'page' : undefined}>
      <Icon name="person" size={18} />
      {user === undefined ? (
        <span>Sign in</span>
      ) : (
        <span className="account-who">
          <span className="cut">
            <span className="only-heard">Account of </span>
            <bdi>{user.name}</bdi>
          </span>
          <span className="cut muted">
            {company === undefined ? (
              'in no company'
            ) : (
              <>
                <bdi>{company.name}</bdi>, {roleWords[company.role]}
              </>
            )}
          </span>
        </span>
      )}
    </a>
  );
}
