-- Companies, their members, and who changed what.
--
-- Everything of Tierwise but the owner's five tables is in schema `tierwise`. A request runs as `authenticated` with the
-- claims of its token; row-level security decides. What members may not do by themselves goes through functions that are
-- `security definer` with an empty search_path and are executable by named roles only.
--
-- Row-level security is on for every table and not forced: the owner of the tables is the role that ran the migrations, as
-- which no request runs, and the definer functions need its rights (tests/backend/lint.test.mjs holds both).

create schema if not exists tierwise;
revoke all on schema tierwise from public;
grant usage on schema tierwise to authenticated, service_role;

create table tierwise.companies (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  -- Whether texts of prompts and answers are stored when a page sends them.
  keeps_text boolean not null default false,
  -- Usage rows and feedback older than this are deleted; totals by day stay for `totals_days`.
  retention_days integer not null default 365 check (retention_days between 1 and 3650),
  totals_days integer not null default 1825 check (totals_days between 1 and 36500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table tierwise.companies is 'Tenants. Where the host application has companies of its own, give them the same ids.';

create table tierwise.members (
  company_id uuid not null references tierwise.companies (id) on delete cascade,
  -- The `sub` of the user''s token. Not a foreign key: sign-in is the business of the host.
  user_id uuid not null,
  role text not null default 'member' check (role in ('member', 'admin')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (company_id, user_id)
);
create index members_by_user on tierwise.members (user_id, created_at, company_id) include (role);

create table tierwise.audit (
  id bigint generated always as identity primary key,
  -- Not a foreign key: the trail outlives the company. Null: concerns all companies.
  company_id uuid,
  -- The user, or null when it was done without one (migration, operator, service role).
  actor uuid,
  acting_role text not null,
  at timestamptz not null default now(),
  action text not null check (action in ('insert', 'update', 'delete', 'forget')),
  table_name text not null,
  before jsonb,
  after jsonb
);
create index audit_by_company on tierwise.audit (company_id, at desc);

-- Public tables that were there before Tierwise: nothing but added columns is ours there.
create table tierwise.host_tables (
  name text primary key,
  noticed_at timestamptz not null default now()
);

create function tierwise.my_companies() returns setof uuid
language sql stable security definer set search_path = '' rows 2
as $$ select m.company_id from tierwise.members m where m.user_id = (select auth.uid()) $$;

create function tierwise.admin_companies() returns setof uuid
language sql stable security definer set search_path = '' rows 2
as $$ select m.company_id from tierwise.members m where m.user_id = (select auth.uid()) and m.role = 'admin' $$;

-- The company a request is for: the one named, which must be the caller's, or else the first one joined.
-- Errors: 28000 without a user, 42501 for a company that is not the caller's (whether or not there is one).
create function tierwise.resolve_company(company uuid default null) returns uuid
language plpgsql stable security definer set search_path = ''
as $$
declare
  caller constant uuid := auth.uid();
  found_id uuid;
begin
  if caller is null then
    raise exception 'not-signed-in' using errcode = '28000';
  end if;
  select m.company_id into found_id
  from tierwise.members m
  where m.user_id = caller and (company is null or m.company_id = company)
  order by m.created_at, m.company_id
  limit 1;
  if found_id is null then
    raise exception 'not-a-member' using errcode = '42501';
  end if;
  return found_id;
end
$$;

create function tierwise.is_admin(company uuid) returns boolean
language sql stable security definer set search_path = ''
as $$
  select exists (
    select from tierwise.members m where m.user_id = (select auth.uid()) and m.company_id = company and m.role = 'admin'
  )
$$;

create function tierwise.touch() returns trigger
language plpgsql set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end
$$;

-- One audit row for each row changed. Sealed secrets and deployment logs stay out of it.
create function tierwise.audit_change() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - 'sealed' - 'deployment_logs' end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - 'sealed' - 'deployment_logs' end;
  whose jsonb := coalesce(after, before);
  company uuid := (case tg_table_name when 'companies' then whose ->> 'id' else whose ->> 'company_id' end)::uuid;
begin
  if tg_table_name = 'hf_deployments' then
    select s.company_id into company from public.hf_spaces_config s where s.id = (whose ->> 'space_id')::uuid;
  end if;
  insert into tierwise.audit (company_id, actor, acting_role, action, table_name, before, after)
  values (
    company,
    auth.uid(),
    -- Inside a definer function current_user is its owner; the setting is what the request runs as.
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    lower(tg_op),
    tg_table_schema || '.' || tg_table_name,
    before,
    after
  );
  return null;
end
$$;

create trigger touch before update on tierwise.companies for each row execute function tierwise.touch();
create trigger touch before update on tierwise.members for each row execute function tierwise.touch();
create trigger audit after insert or update or delete on tierwise.companies
  for each row execute function tierwise.audit_change();
create trigger audit after insert or update or delete on tierwise.members
  for each row execute function tierwise.audit_change();

alter table tierwise.companies enable row level security;
alter table tierwise.members enable row level security;
alter table tierwise.audit enable row level security;
alter table tierwise.host_tables enable row level security;

revoke all on all tables in schema tierwise from public, anon, authenticated, service_role;
grant select on tierwise.companies, tierwise.members, tierwise.audit to authenticated;
grant update (name, keeps_text, retention_days, totals_days) on tierwise.companies to authenticated;
grant insert, update (role), delete on tierwise.members to authenticated;
grant select, insert, update, delete on tierwise.companies, tierwise.members to service_role;
grant select on tierwise.audit, tierwise.host_tables to service_role;

create policy "members see their companies" on tierwise.companies for select to authenticated
  using (id = any (array(select tierwise.my_companies())));
create policy "admins change their companies" on tierwise.companies for update to authenticated
  using (id = any (array(select tierwise.admin_companies())))
  with check (id = any (array(select tierwise.admin_companies())));
create policy "service role" on tierwise.companies to service_role using (true) with check (true);

create policy "members see themselves, admins their company" on tierwise.members for select to authenticated
  using (user_id = (select auth.uid()) or company_id = any (array(select tierwise.admin_companies())));
create policy "admins add members" on tierwise.members for insert to authenticated
  with check (company_id = any (array(select tierwise.admin_companies())));
create policy "admins change members" on tierwise.members for update to authenticated
  using (company_id = any (array(select tierwise.admin_companies())))
  with check (company_id = any (array(select tierwise.admin_companies())));
create policy "admins remove members" on tierwise.members for delete to authenticated
  using (company_id = any (array(select tierwise.admin_companies())));
create policy "service role" on tierwise.members to service_role using (true) with check (true);

create policy "admins read their trail" on tierwise.audit for select to authenticated
  using (company_id = any (array(select tierwise.admin_companies())));
create policy "service role reads" on tierwise.audit for select to service_role using (true);
create policy "service role reads" on tierwise.host_tables for select to service_role using (true);

revoke all on all functions in schema tierwise from public, anon, authenticated, service_role;
grant execute on function tierwise.my_companies(), tierwise.admin_companies(), tierwise.resolve_company(uuid),
  tierwise.is_admin(uuid) to authenticated, service_role;
