/** Sign in, as one of the development people with one click or with address and password; who is signed in; sign out. */
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTierwise } from 'tierwise/react';

import { useOnline } from '../online';
import { Icon } from '../parts/icon';
import { TextField } from '../parts/text-field';
import { address } from '../route';
import { roleWords } from './account-link';
import { CallFailed } from './call';
import { type Person, useSession } from './session';

export function AccountView() {
  const { status, user } = useSession();
  return (
    <section className="view flowing account" aria-labelledby="account-title">
      <header className="view-head">
        <h1 id="account-title" tabIndex={-1}>
          Account
        </h1>
        <p className="muted" role="status">
          {status === 'in' ? 'You are signed in.' : 'You are not signed in. This page works without, too.'}
        </p>
      </header>
      {status === 'in' ? <SignedIn key={user?.id} /> : <SignIn />}
    </section>
  );
}

type Problem = { field?: 'email' | 'password'; words: string };

function SignIn() {
  const { backend, signIn } = useSession();
  const online = useOnline();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [trying, setTrying] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => void (mounted.current = false);
  }, []);
  const people = backend?.people ?? [];

  const tryIt = async (mail: string, secret: string, field?: Problem['field']) => {
    setTrying(mail);
    setProblems([]);
    try {
      await signIn(mail, secret);
    } catch (error) {
      if (mounted.current) setProblems([problemOf(error, field)]);
    } finally {
      if (mounted.current) setTrying(undefined);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (trying !== undefined) return;
    const found: Problem[] = [];
    if (!/^\S+@\S+$/.test(email.trim())) found.push({ field: 'email', words: 'Enter an e-mail address.' });
    if (password === '') found.push({ field: 'password', words: 'Enter the password.' });
    setProblems(found);
    if (found.length === 0) void tryIt(email.trim(), password, 'password');
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const problem = (field: Problem['field']) => problems.find((one) => one.field === field)?.words;
  const general = problems.find(({ field }) => field === undefined);

  return (
    <>
      {general !== undefined && (
        <div className="failure" role="alert">
          <Icon name="alert" size={18} />
          <div>
            <p className="what">{general.words}</p>
          </div>
        </div>
      )}
      {!online && (
        <p className="offline" role="status">
          <Icon name="alert" size={14} /> You are offline. Signing in needs the network.
        </p>
      )}
      {people.length > 0 && (
        <section className="card" aria-labelledby="people-title">
          <h2 id="people-title" className="legend">
            Development people
          </h2>
          <p className="muted section-help">One click signs you in as one of them. They exist on this computer only.</p>
          <ul className="people">
            {people.map((person) => (
              <li key={person.email}>
                <PersonButton
                  person={person}
                  trying={trying === person.email}
                  disabled={trying !== undefined}
                  onPick={() => void tryIt(person.email, person.password)}
                />
              </li>
            ))}
          </ul>
        </section>
      )}
      <form ref={form} className="card" aria-label="Sign in" onSubmit={submit} noValidate>
        <h2 className="legend">Sign in with e-mail</h2>
        <TextField
          label="E-mail"
          name="account.email"
          autoComplete="username"
          value={email}
          problem={problem('email')}
          onChange={setEmail}
        />
        <TextField
          label="Password"
          type="password"
          name="account.password"
          autoComplete="current-password"
          value={password}
          problem={problem('password')}
          onChange={setPassword}
        />
        <div className="row">
          <button type="submit" className="button primary" aria-disabled={trying !== undefined}>
            {trying !== undefined && trying === email.trim() ? 'Signing in…' : 'Sign in'}
          </button>
        </div>
      </form>
      <p className="muted account-note">
        Signed in, what you ask is counted for your company, and its administrator’s Spaces and flags count here. No
        question or answer is sent with it. What is in this page stays: the chat, the cache, your settings.
      </p>
    </>
  );
}

function PersonButton(props: { person: Person; trying: boolean; disabled: boolean; onPick: () => void }) {
  const { person, trying, disabled, onPick } = props;
  return (
    <button
      type="button"
      className="button person"
      aria-disabled={disabled}
      onClick={() => {
        if (!disabled) onPick();
      }}
    >
      <Icon name="person" size={18} />
      <span className="account-who">
        <span className="cut">{trying ? 'Signing in…' : person.name}</span>
        <span className="cut muted">
          {person.company}, {roleWords[person.role]}
        </span>
      </span>
    </button>
  );
}

function SignedIn() {
  const { user, company, signOut } = useSession();
  const client = useTierwise();
  const [leaving, setLeaving] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const leave = async () => {
    if (leaving) return;
    setLeaving(true);
    // What can still go under this name goes; the rest waits for the same person.
    const late = new Promise((resolve) => setTimeout(resolve, 2000));
    await Promise.race([client.flush().catch(() => undefined), late]);
    await signOut();
  };
  return (
    <section className="card" aria-labelledby="who-title">
      <h2 id="who-title" className="legend" tabIndex={-1} ref={title}>
        <bdi>{user?.name}</bdi>
      </h2>
      <dl className="facts account-facts">
        <div>
          <dt>E-mail</dt>
          <dd>{user?.email === '' ? '–' : user?.email}</dd>
        </div>
        <div>
          <dt>Company</dt>
          <dd>{company === undefined ? 'None. Ask an administrator to add you.' : <bdi>{company.name}</bdi>}</dd>
        </div>
        {company !== undefined && (
          <div>
            <dt>Role</dt>
            <dd>
              {company.role === 'admin'
                ? 'Administrator: sees the company’s usage and sets its Spaces and flags.'
                : 'Member: sees their own usage.'}
            </dd>
          </div>
        )}
      </dl>
      <p className="muted">
        Signing out takes nothing from this page. Usage that could not be sent yet waits until you are signed in again;
        cached replies of this account are back then, too.
      </p>
      <div className="row">
        <button type="button" className="button" aria-disabled={leaving} onClick={() => void leave()}>
          {leaving ? 'Signing out…' : 'Sign out'}
        </button>
        <a className="button quiet" href={address('usage', { from: 'backend' })}>
          See {company?.role === 'admin' ? 'the company’s' : 'your'} usage
        </a>
      </div>
    </section>
  );
}

function problemOf(error: unknown, field: Problem['field']): Problem {
  if (!(error instanceof CallFailed))
    return { words: `You were not signed in: ${error instanceof Error ? error.message : String(error)}` };
  if (error.code === 'invalid_credentials')
    return { ...(field && { field }), words: 'E-mail and password do not belong together.' };
  if (error.code === 'overtaken') return { words: error.message };
  if (error.status === 0) return { words: 'The backend does not answer. Nothing was changed; try again when it runs.' };
  if (error.status === 429) return { words: 'Too many attempts. Wait a little, then try again.' };
  return { words: `You were not signed in: ${error.message}` };
}
