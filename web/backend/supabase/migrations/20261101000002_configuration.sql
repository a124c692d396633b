-- What administrators own: Spaces, models, flags, settings, prices, keys and limits.
--
-- A row with company_id null counts for every company and is the operator's (service role); a company's own row wins over
-- it. Members read both, admins write their company's; each change leaves an audit row. A public table that was there
-- before gets columns and nothing else (tierwise.host_tables remembers it).

do $$
declare
  wanted record;
begin
  for wanted in select unnest(array['model_registry', 'hf_spaces_config', 'hf_deployments', 'huggingface_models']) as name
  loop
    if to_regclass('public.' || wanted.name) is not null then
      insert into tierwise.host_tables (name) values (wanted.name);
    end if;
  end loop;

  if to_regclass('public.model_registry') is null then
    create table public.model_registry (
      id uuid primary key default gen_random_uuid(),
      company_id uuid references tierwise.companies (id) on delete cascade,
      model_name text not null check (length(model_name) between 1 and 200),
      description text check (length(description) <= 4000),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index model_registry_by_company on public.model_registry (company_id);
  end if;
  alter table public.model_registry
    add column if not exists hf_space_url text,
    add column if not exists hf_model_id text,
    add column if not exists hf_space_id text;

  if to_regclass('public.hf_spaces_config') is null then
    create table public.hf_spaces_config (
      id uuid primary key default gen_random_uuid(),
      space_name text not null check (length(space_name) between 1 and 200),
      space_type text not null check (space_type in ('base', 'company', 'abstraction', 'user')),
      api_endpoint text not null default '/api/generate' check (api_endpoint ~ '^/[^\s\\]{0,255}$'),
      is_active boolean default true,
      model_version text check (length(model_version) <= 200),
      created_at timestamptz default now(),
      updated_at timestamptz default now()
    );
  end if;
  alter table public.hf_spaces_config
    add column if not exists space_name text,
    add column if not exists space_type text,
    add column if not exists api_endpoint text,
    add column if not exists is_active boolean default true,
    add column if not exists model_version text,
    add column if not exists created_at timestamptz default now(),
    add column if not exists company_id uuid references tierwise.companies (id) on delete cascade,
    -- https, or http on loopback; no credentials, query or fragment.
    add column if not exists space_url text
      check (space_url ~ '^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?)(/[A-Za-z0-9._~/-]*)?$'
             and length(space_url) <= 500),
    add column if not exists protocol text default 'auto'
      check (protocol in ('auto', 'gradio', 'tgi', 'openai', 'llama.cpp', 'plain')),
    add column if not exists model_id text check (length(model_id) <= 200),
    -- What else a Space of the page's configuration may have: template, contextWindow, inputs, quota.
    add column if not exists options jsonb default '{}'
      check (jsonb_typeof(options) = 'object' and octet_length(options::text) <= 16384);
  if not exists (select from tierwise.host_tables where name = 'hf_spaces_config') then
    create unique index hf_spaces_config_active on public.hf_spaces_config (company_id, space_type)
      nulls not distinct where is_active;
    create index hf_spaces_config_by_company on public.hf_spaces_config (company_id);
  end if;

  if to_regclass('public.hf_deployments') is null then
    create table public.hf_deployments (
      id uuid primary key default gen_random_uuid(),
      space_id uuid references public.hf_spaces_config (id) on delete cascade,
      model_id uuid,
      deployment_status text not null
        check (deployment_status in ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
      deployment_logs text check (octet_length(deployment_logs) <= 1048576),
      created_at timestamptz default now(),
      updated_at timestamptz default now()
    );
    -- A host's registry may have another key.
    if exists (
      select from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
      where c.conrelid = 'public.model_registry'::regclass and c.contype in ('p', 'u')
        and a.attname = 'id' and a.atttypid = 'uuid'::regtype
    ) then
      alter table public.hf_deployments add foreign key (model_id) references public.model_registry (id) on delete set null;
    end if;
    create index hf_deployments_by_space on public.hf_deployments (space_id, created_at desc);
    create index hf_deployments_by_model on public.hf_deployments (model_id);
  end if;

  if to_regclass('public.huggingface_models') is null then
    create table public.huggingface_models (
      id uuid primary key default gen_random_uuid(),
      model_id text not null check (model_id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$'),
      task text not null
        check (task in ('text-generation', 'text-to-image', 'feature-extraction', 'image-classification')),
      description text check (length(description) <= 4000),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
  end if;
  alter table public.huggingface_models
    add column if not exists model_id text,
    add column if not exists task text,
    add column if not exists description text,
    add column if not exists company_id uuid references tierwise.companies (id) on delete cascade,
    add column if not exists display_name text check (length(display_name) <= 200),
    add column if not exists is_enabled boolean not null default true,
    -- US dollars for one unit: 1,000 tokens in and out together, or one image.
    add column if not exists price numeric(20, 12) check (price >= 0),
    add column if not exists price_unit text default '1k-tokens' check (price_unit in ('1k-tokens', 'image'));
  if not exists (select from tierwise.host_tables where name = 'huggingface_models') then
    create unique index huggingface_models_by_company on public.huggingface_models (company_id, model_id) nulls not distinct;
  end if;
end
$$;

create table tierwise.flags (
  id uuid primary key default gen_random_uuid(),
  company_id uuid references tierwise.companies (id) on delete cascade,
  name text not null check (name ~ '^[A-Za-z][A-Za-z0-9_]{0,63}$'),
  enabled boolean not null,
  visible boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (company_id, name)
);

create table tierwise.settings (
  id uuid primary key default gen_random_uuid(),
  company_id uuid references tierwise.companies (id) on delete cascade,
  key text not null check (key in ('defaultTier', 'wake', 'rules', 'timeouts', 'cache', 'prompts', 'usage', 'providers')),
  value jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (company_id, key),
  check (octet_length(value::text) <= 65536),
  check (
    case key
      when 'defaultTier' then value in ('"base"', '"company"', '"abstraction"', '"user"')
      when 'wake' then value in ('"fallback"', '"wait"')
      when 'cache' then jsonb_typeof(value) = 'object' or value = 'false'
      else jsonb_typeof(value) = 'object'
    end
  )
);
comment on column tierwise.settings.value is 'As the field of that name in the page''s configuration (js/types.ts).';

create table tierwise.prices (
  id uuid primary key default gen_random_uuid(),
  company_id uuid references tierwise.companies (id) on delete cascade,
  provider text not null check (provider ~ '^[a-z][a-z0-9-]{0,63}$'),
  -- The exact id, a prefix ending in *, or * for every model of the provider; the longest wins.
  model text not null check (length(model) between 1 and 200 and position('*' in model) in (0, length(model))),
  -- US dollars. What is null costs nothing by itself, but one of the four must be there.
  input_per_1k numeric(20, 12) check (input_per_1k >= 0),
  output_per_1k numeric(20, 12) check (output_per_1k >= 0),
  per_image numeric(20, 12) check (per_image >= 0),
  per_second numeric(20, 12) check (per_second >= 0),
  -- From (included) until (excluded); of several that count, the one that began last.
  valid_from timestamptz not null default '-infinity',
  valid_until timestamptz,
  source text check (length(source) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (company_id, provider, model, valid_from),
  check (valid_until > valid_from),
  check (num_nonnulls(input_per_1k, output_per_1k, per_image, per_second) > 0)
);
create index prices_by_provider on tierwise.prices (provider, model);

-- A key for a target of the gateway, sealed by a key that is never in the database: docs/BACKEND.md has the format.
create table tierwise.secrets (
  id uuid primary key default gen_random_uuid(),
  company_id uuid references tierwise.companies (id) on delete cascade,
  target text not null check (target ~ '^[a-z][a-z0-9:._-]{0,63}$'),
  -- Version 1: the byte 1, 12 bytes of nonce, AES-256-GCM of at most 4 KiB with its tag of 16.
  sealed bytea not null check (octet_length(sealed) between 30 and 4125 and get_byte(sealed, 0) = 1),
  -- Which outer key sealed it, so that outer keys can be changed one by one.
  key_id text not null check (key_id ~ '^[A-Za-z0-9._-]{1,64}$'),
  -- The last four characters at most, for people.
  hint text check (length(hint) <= 4),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (company_id, target)
);

-- How much may be taken: `per_minute` refills, `burst` is the most at once.
create table tierwise.rate_limits (
  id uuid primary key default gen_random_uuid(),
  company_id uuid references tierwise.companies (id) on delete cascade,
  name text not null check (name ~ '^[a-z][a-z0-9-]{0,63}$'),
  counted_by text not null check (counted_by in ('user', 'company')),
  per_minute double precision not null check (per_minute > 0 and per_minute < 1e9),
  burst double precision not null check (burst >= 1 and burst < 1e9),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (company_id, name, counted_by)
);
insert into tierwise.rate_limits (name, counted_by, per_minute, burst) values
  ('usage', 'user', 6000, 20000), ('usage', 'company', 120000, 400000), -- events
  ('feedback', 'user', 60, 300), ('feedback', 'company', 6000, 12000),
  ('inference', 'user', 60, 60), ('inference', 'company', 1200, 1200), -- calls
  ('gateway', 'user', 120, 120), ('gateway', 'company', 2400, 2400),
  ('config', 'user', 120, 120), ('config', 'company', 12000, 12000),
  ('summary', 'user', 120, 120), ('summary', 'company', 2400, 2400),
  ('health', 'user', 60, 60), ('health', 'company', 600, 600);

-- What is left of them. Not worth its log: after a crash everybody begins with a full bucket.
create unlogged table tierwise.rate_buckets (
  company_id uuid not null references tierwise.companies (id) on delete cascade,
  name text not null,
  -- The user, or the company for what is counted by company.
  holder uuid not null,
  remaining double precision not null,
  filled_at timestamptz not null,
  primary key (company_id, name, holder)
) with (fillfactor = 70);

-- A changed price of a model is a new row of the price table from now on: what was recorded keeps its cost.
create function tierwise.follow_model_price() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  tokens boolean := new.price_unit = '1k-tokens';
begin
  if new.price is null or (tg_op = 'UPDATE' and (new.price, new.price_unit) is not distinct from (old.price, old.price_unit)) then
    return null;
  end if;
  insert into tierwise.prices (company_id, provider, model, input_per_1k, output_per_1k, per_image, valid_from, source)
  select new.company_id, p.provider, new.model_id,
    case when tokens then new.price end,
    case when tokens then case when new.task = 'feature-extraction' then 0 else new.price end end,
    case when not tokens then new.price end,
    case when exists (
      select from tierwise.prices q
      where q.provider = p.provider and q.model = new.model_id and q.company_id is not distinct from new.company_id
    ) then now() else '-infinity' end,
    'public.huggingface_models'
  from (values ('router'), ('huggingface')) p (provider)
  on conflict (company_id, provider, model, valid_from) do update
    set input_per_1k = excluded.input_per_1k, output_per_1k = excluded.output_per_1k, per_image = excluded.per_image;
  return null;
end
$$;

do $$
declare
  theirs text[] := array(select 'public.' || name from tierwise.host_tables);
  named text;
begin
  foreach named in array array['public.model_registry', 'public.hf_spaces_config', 'public.huggingface_models',
    'tierwise.flags', 'tierwise.settings', 'tierwise.prices', 'tierwise.rate_limits', 'tierwise.secrets',
    'public.hf_deployments', 'tierwise.rate_buckets']
  loop
    continue when named = any (theirs);
    execute format('alter table %s enable row level security', named);
    execute format('revoke all on %s from public, anon, authenticated, service_role', named);
    execute format('grant select, insert, update, delete on %s to service_role', named);
    execute format('create policy "service role" on %s to service_role using (true) with check (true)', named);
    continue when named = 'tierwise.rate_buckets';
    execute format('create trigger touch before update on %s for each row execute function tierwise.touch()', named);
    execute format('create trigger audit after insert or update or delete on %s
      for each row execute function tierwise.audit_change()', named);
    continue when named in ('public.hf_deployments', 'tierwise.secrets');
    execute format('create policy "members read" on %s for select to authenticated
      using (company_id = any (array(select tierwise.my_companies()))
        or (company_id is null and exists (select tierwise.my_companies())))', named);
    execute format('grant select on %s to authenticated', named);
    -- Limits protect the operator and the other companies: admins see theirs.
    continue when named = 'tierwise.rate_limits';
    execute format('create policy "admins add" on %s for insert to authenticated
      with check (company_id = any (array(select tierwise.admin_companies())))', named);
    execute format('create policy "admins change" on %s for update to authenticated
      using (company_id = any (array(select tierwise.admin_companies())))
      with check (company_id = any (array(select tierwise.admin_companies())))', named);
    execute format('create policy "admins remove" on %s for delete to authenticated
      using (company_id = any (array(select tierwise.admin_companies())))', named);
    execute format('grant insert, update, delete on %s to authenticated', named);
  end loop;

  if not 'public.hf_deployments' = any (theirs) then
    grant select, insert, update, delete on public.hf_deployments to authenticated;
    -- The Space's own policies count inside: whose Space is seen, their deployments are.
    create policy "members read" on public.hf_deployments for select to authenticated
      using (space_id in (select s.id from public.hf_spaces_config s
        where s.company_id = any (array(select tierwise.my_companies()))
          or (s.company_id is null and exists (select tierwise.my_companies()))));
    create policy "admins add" on public.hf_deployments for insert to authenticated
      with check (space_id in (select s.id from public.hf_spaces_config s
        where s.company_id = any (array(select tierwise.admin_companies()))));
    create policy "admins change" on public.hf_deployments for update to authenticated
      using (space_id in (select s.id from public.hf_spaces_config s
        where s.company_id = any (array(select tierwise.admin_companies()))))
      with check (space_id in (select s.id from public.hf_spaces_config s
        where s.company_id = any (array(select tierwise.admin_companies()))));
    create policy "admins remove" on public.hf_deployments for delete to authenticated
      using (space_id in (select s.id from public.hf_spaces_config s
        where s.company_id = any (array(select tierwise.admin_companies()))));
  end if;
  if not 'public.huggingface_models' = any (theirs) then
    create trigger price after insert or update on public.huggingface_models
      for each row execute function tierwise.follow_model_price();
  end if;
end
$$;

-- Write-only: admins see that there is a key, put another (put_secret) and remove it, and never read it.
grant select (id, company_id, target, key_id, hint, created_at, updated_at), delete on tierwise.secrets to authenticated;
create policy "admins see which" on tierwise.secrets for select to authenticated
  using (company_id = any (array(select tierwise.admin_companies())));
create policy "admins remove" on tierwise.secrets for delete to authenticated
  using (company_id = any (array(select tierwise.admin_companies())));

-- Puts the key of a target in place of the one there is; the next request of the gateway uses it. For admins of the company.
create function tierwise.put_secret(target text, sealed bytea, key_id text, hint text default null, company uuid default null)
returns void
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  resolved constant uuid := tierwise.resolve_company(company);
begin
  if not tierwise.is_admin(resolved) then
    raise exception 'not-an-admin' using errcode = '42501';
  end if;
  insert into tierwise.secrets (company_id, target, sealed, key_id, hint)
  values (resolved, put_secret.target, put_secret.sealed, put_secret.key_id, put_secret.hint)
  on conflict (company_id, target) do update
    set sealed = excluded.sealed, key_id = excluded.key_id, hint = excluded.hint;
end
$$;

-- Takes `amount` from the caller's bucket and from the company's, or from neither. Call it in a transaction of its own, or
-- requests of one company wait for each other. Returns when to come back when it is not allowed. What is more than a bucket
-- holds takes a full one, and the rest of what comes later: it is slowed down, not shut out.
create function tierwise.take(name text, amount double precision default 1, company uuid default null)
returns table (allowed boolean, retry_after_ms integer)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  resolved constant uuid := tierwise.resolve_company(company);
  caller constant uuid := auth.uid();
  instant timestamptz;
  missing_minutes double precision;
begin
  if amount is null or not amount between 0 and 1e6 then
    raise exception 'invalid-amount' using errcode = '22023';
  end if;
  insert into tierwise.rate_buckets (company_id, name, holder, remaining, filled_at)
  select resolved, take.name, l.holder, l.burst, clock_timestamp()
  from tierwise.limits_of(resolved, take.name, caller) l
  order by l.holder
  on conflict do nothing;
  perform from tierwise.rate_buckets b
  where b.company_id = resolved and b.name = take.name and b.holder in (caller, resolved)
  order by b.holder for update;
  instant := clock_timestamp();
  select max((least(take.amount, l.burst) - least(l.burst, b.remaining + l.per_minute * extract(epoch from instant - b.filled_at) / 60)) / l.per_minute)
  into missing_minutes
  from tierwise.limits_of(resolved, take.name, caller) l
  join tierwise.rate_buckets b on b.company_id = resolved and b.name = take.name and b.holder = l.holder;
  if missing_minutes > 0 then
    return query select false, least(ceil(missing_minutes * 60000), 3600000)::integer;
    return;
  end if;
  update tierwise.rate_buckets b
  set remaining = least(l.burst, b.remaining + l.per_minute * extract(epoch from instant - b.filled_at) / 60) - take.amount,
    filled_at = instant
  from tierwise.limits_of(resolved, take.name, caller) l
  where b.company_id = resolved and b.name = take.name and b.holder = l.holder;
  return query select true, 0;
end
$$;

create function tierwise.limits_of(company uuid, name text, caller uuid)
returns table (holder uuid, per_minute double precision, burst double precision)
language sql stable security definer set search_path = ''
as $$
  select distinct on (l.counted_by)
    case l.counted_by when 'user' then caller else company end, l.per_minute, l.burst
  from tierwise.rate_limits l
  where l.name = limits_of.name and (l.company_id = company or l.company_id is null)
  order by l.counted_by, l.company_id nulls last
$$;

-- The configuration of the page for this user: Spaces, flags, settings and models, the company's own over everybody's.
-- `etag` changes when anything in it does. No secret is in it.
create function tierwise.effective_config(company uuid default null) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  resolved constant uuid := tierwise.resolve_company(company);
  answer jsonb;
begin
  select jsonb_build_object(
    'company', jsonb_build_object('id', c.id, 'name', c.name, 'keepsText', c.keeps_text),
    'role', m.role,
    'spaces', coalesce((
      select jsonb_object_agg(s.space_type, jsonb_strip_nulls(s.options || jsonb_build_object(
        'id', s.id, 'name', s.space_name, 'url', s.space_url, 'endpoint', s.api_endpoint, 'protocol', s.protocol,
        'model', s.model_id, 'revision', s.model_version)))
      from (
        select distinct on (h.space_type) h.id, h.space_name, h.space_type, h.space_url, h.api_endpoint, h.protocol,
          h.model_id, h.model_version, coalesce(h.options, '{}') as options
        from public.hf_spaces_config h
        where h.is_active and h.space_url is not null and (h.company_id = resolved or h.company_id is null)
        order by h.space_type, h.company_id nulls last, h.created_at desc
      ) s), '{}'),
    'flags', coalesce((
      select jsonb_object_agg(f.name, jsonb_build_object('enabled', f.enabled, 'visible', f.visible))
      from (
        select distinct on (g.name) g.name, g.enabled, g.visible from tierwise.flags g
        where g.company_id = resolved or g.company_id is null order by g.name, g.company_id nulls last
      ) f), '{}'),
    'settings', coalesce((
      select jsonb_object_agg(s.key, s.value)
      from (
        select distinct on (g.key) g.key, g.value from tierwise.settings g
        where g.company_id = resolved or g.company_id is null order by g.key, g.company_id nulls last
      ) s), '{}'),
    'models', coalesce((
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', h.model_id, 'task', h.task, 'name', h.display_name,
        'description', h.description, 'price', h.price, 'unit', h.price_unit)) order by h.model_id)
      from (
        select distinct on (g.model_id) g.* from public.huggingface_models g
        where g.company_id = resolved or g.company_id is null order by g.model_id, g.company_id nulls last
      ) h where h.is_enabled), '[]')
  )
  into answer
  from tierwise.companies c join tierwise.members m on m.company_id = c.id and m.user_id = auth.uid()
  where c.id = resolved;
  return answer || jsonb_build_object('etag', md5(answer::text));
end
$$;


revoke all on function tierwise.follow_model_price(), tierwise.put_secret(text, bytea, text, text, uuid), tierwise.take(text, double precision, uuid),
  tierwise.limits_of(uuid, text, uuid), tierwise.effective_config(uuid) from public, anon, authenticated, service_role;
grant execute on function tierwise.take(text, double precision, uuid), tierwise.effective_config(uuid),
  tierwise.put_secret(text, bytea, text, text, uuid) to authenticated;
