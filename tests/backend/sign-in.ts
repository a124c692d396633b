/**
 * Run under Deno by start.test.mjs: the real `@supabase/supabase-js` signs in, stays signed in, calls a function and signs
 * out. Arguments: the backend's address, e-mail, password. Prints one JSON line of what the client gave.
 */
import { createClient } from 'npm:@supabase/supabase-js@2.119.1';

const [url = '', email = '', password = ''] = Deno.args;
const supabase = createClient(url, 'sb_publishable_test', { auth: { persistSession: false, autoRefreshToken: false } });

const wrong = await supabase.auth.signInWithPassword({ email, password: `${password}!` });
const signedIn = await supabase.auth.signInWithPassword({ email, password });
const user = await supabase.auth.getUser();
const company = await supabase.functions.invoke('config/company', { method: 'GET' });
const refreshed = await supabase.auth.refreshSession();
const refreshToken = refreshed.data.session?.refresh_token ?? '';
const again = await supabase.auth.getUser(refreshed.data.session?.access_token);
const signedOut = await supabase.auth.signOut();
const after = await supabase.auth.getSession();
const late = await supabase.auth.refreshSession({ refresh_token: refreshToken });
console.log(
  JSON.stringify({
    wrong: [wrong.error?.status, wrong.error?.code],
    signedIn: signedIn.data.user?.email ?? String(signedIn.error),
    lasts: signedIn.data.session?.expires_in,
    user: [user.data.user?.id, user.data.user?.user_metadata.name],
    company: company.data ?? String(company.error),
    refreshed: again.data.user?.email ?? String(again.error),
    signedOut: signedOut.error,
    session: after.data.session,
    late: [late.error?.status, late.error?.code],
  }),
);
Deno.exit(0);
