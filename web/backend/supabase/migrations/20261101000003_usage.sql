-- Usage: one row for each event of a page, totals by day that stay exact, and feedback.
--
-- Rows come in through tierwise.record_usage only, which decides owner, company, time and cost; they are never updated.
-- Totals are added in the transaction that stores the rows (by a trigger, or by record_usage where the table is the
-- host's), so they count every row ever stored; deleting old rows leaves them.
-- Units: dollars, milliseconds, tokens.

do $$
declare
  conflict text;
begin
  if to_regclass('public.llm_observations') is not null then
    insert into tierwise.host_tables (name) values ('llm_observations');
  else
    create table public.llm_observations (event_id uuid primary key);
  end if;
  alter table public.llm_observations
    add column if not exists event_id uuid unique,
    add column if not exists company_id uuid references tierwise.companies (id) on delete cascade,
    add column if not exists user_id uuid,
    add column if not exists kind text,
    -- When it happened, by the server's clock, and when it came in.
    add column if not exists at timestamptz,
    add column if not exists received_at timestamptz default now(),
    add column if not exists interaction_id text,
    add column if not exists reply_id text,
    add column if not exists tier text,
    add column if not exists target text,
    add column if not exists provider text,
    add column if not exists model text,
    add column if not exists source text,
    add column if not exists input_tokens bigint,
    add column if not exists output_tokens bigint,
    add column if not exists images integer,
    add column if not exists tokens_estimated boolean,
    -- By the price table; null where it has no price. What the page thought is beside it.
    add column if not exists cost numeric(20, 12),
    add column if not exists saved numeric(20, 12),
    add column if not exists claimed_cost numeric(20, 12),
    add column if not exists claimed_saved numeric(20, 12),
    add column if not exists first_part_ms double precision,
    add column if not exists total_ms double precision,
    add column if not exists status text,
    add column if not exists error_class text,
    add column if not exists attempt integer,
    -- Labels the page gave; not who it was (that is user_id and company_id).
    add column if not exists page_user text,
    add column if not exists page_company text,
    add column if not exists context_label text,
    add column if not exists experiment_arm text,
    add column if not exists app_version text,
    -- Of kind `totals`: how many events of each kind an overfull outbox folded into this row.
    add column if not exists counts jsonb,
    -- Only where the company keeps texts.
    add column if not exists prompt text,
    add column if not exists answer text;

  select string_agg(format('%s is %s, not %s', w.name, format_type(a.atttypid, null), w.type), '; ' order by w.name)
  into conflict
  from (values ('event_id', 'uuid'), ('company_id', 'uuid'), ('user_id', 'uuid'), ('kind', 'text'),
      ('at', 'timestamp with time zone'), ('received_at', 'timestamp with time zone'), ('interaction_id', 'text'),
      ('reply_id', 'text'), ('tier', 'text'), ('target', 'text'), ('provider', 'text'), ('model', 'text'),
      ('source', 'text'), ('input_tokens', 'bigint'), ('output_tokens', 'bigint'), ('images', 'integer'),
      ('tokens_estimated', 'boolean'), ('cost', 'numeric'), ('saved', 'numeric'), ('claimed_cost', 'numeric'),
      ('claimed_saved', 'numeric'), ('first_part_ms', 'double precision'), ('total_ms', 'double precision'),
      ('status', 'text'), ('error_class', 'text'), ('attempt', 'integer'), ('page_user', 'text'),
      ('page_company', 'text'), ('context_label', 'text'), ('experiment_arm', 'text'), ('app_version', 'text'),
      ('counts', 'jsonb'), ('prompt', 'text'), ('answer', 'text')) w (name, type)
  join pg_attribute a on a.attrelid = 'public.llm_observations'::regclass and a.attname = w.name and not a.attisdropped
  where format_type(a.atttypid, null) <> w.type
    -- A value of ours goes into these as it is.
    and not (format_type(a.atttypid, null) in ('character varying', 'numeric', 'bigint', 'double precision', 'integer')
      and ((w.type = 'text') = (format_type(a.atttypid, null) = 'character varying')));
  if conflict is not null then
    raise exception 'public.llm_observations has columns of other types: %', conflict
      using errcode = '42804', hint = 'Rename them, or give Tierwise a database of its own. Nothing was changed.';
  end if;

  if not exists (select from tierwise.host_tables where name = 'llm_observations') then
    alter table public.llm_observations
      alter column company_id set not null, alter column user_id set not null, alter column kind set not null,
      alter column at set not null, alter column received_at set not null,
      add check (kind in ('start', 'complete', 'error', 'hit', 'cancel', 'totals')),
      add check (tier in ('base', 'company', 'abstraction', 'user')),
      add check (source in ('space', 'openai', 'router', 'mock', 'cache')),
      add check (status in ('ok', 'error', 'cancelled')),
      add check (input_tokens >= 0 and output_tokens >= 0 and images >= 0),
      add check (cost >= 0 and saved >= 0);
    create index llm_observations_by_company on public.llm_observations (company_id, at desc);
    create index llm_observations_by_user on public.llm_observations (company_id, user_id, at desc);
    -- The last success of a target.
    create index llm_observations_successes on public.llm_observations (company_id, target, at desc) where kind = 'complete';
    alter table public.llm_observations enable row level security;
    revoke all on public.llm_observations from public, anon, authenticated, service_role;
    grant select on public.llm_observations to authenticated;
    grant select, insert, delete on public.llm_observations to service_role;
    create policy "members read their own, admins their company's" on public.llm_observations for select to authenticated
      using ((user_id = (select auth.uid()) and company_id = any (array(select tierwise.my_companies())))
        or company_id = any (array(select tierwise.admin_companies())));
    create policy "service role" on public.llm_observations to service_role using (true) with check (true);
  end if;
end
$$;

-- Totals by day (UTC). `slot` spreads writers of one company over several rows; sum over it.
create table tierwise.usage_daily (
  company_id uuid not null references tierwise.companies (id) on delete cascade,
  day date not null,
  slot smallint not null,
  tier text not null,
  provider text not null,
  model text not null,
  source text not null,
  starts bigint not null default 0,
  completes bigint not null default 0,
  errors bigint not null default 0,
  hits bigint not null default 0,
  cancels bigint not null default 0,
  -- Of calls; what hits would have taken is in `saved`.
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  images bigint not null default 0,
  cost numeric not null default 0,
  saved numeric not null default 0,
  -- Completed calls and hits the price table had no price for.
  unpriced bigint not null default 0,
  primary key (company_id, day, slot, tier, provider, model, source)
) with (fillfactor = 80);

-- The same for each user.
create table tierwise.usage_by_user (
  like tierwise.usage_daily including defaults including storage,
  user_id uuid not null,
  foreign key (company_id) references tierwise.companies (id) on delete cascade,
  primary key (company_id, user_id, day, tier, provider, model, source)
) with (fillfactor = 80);
alter table tierwise.usage_by_user drop column slot;

-- Durations of completed calls in buckets a tenth wide (up to 1.1^bucket ms), for percentiles within 5 %.
create table tierwise.usage_latency (
  company_id uuid not null references tierwise.companies (id) on delete cascade,
  day date not null,
  slot smallint not null,
  tier text not null,
  provider text not null,
  model text not null,
  measure text not null check (measure in ('first', 'total')),
  bucket smallint not null,
  calls integer not null,
  primary key (company_id, day, slot, tier, provider, model, measure, bucket)
) with (fillfactor = 80);

create table tierwise.feedback (
  event_id uuid primary key,
  company_id uuid not null references tierwise.companies (id) on delete cascade,
  user_id uuid not null,
  reply_id text not null,
  interaction_id text,
  verdict text not null check (verdict in ('up', 'down')),
  comment text check (length(comment) <= 4000),
  at timestamptz not null,
  received_at timestamptz not null default now()
);
create index feedback_by_company on tierwise.feedback (company_id, at desc);
create index feedback_by_user on tierwise.feedback (company_id, user_id, at desc);

do $$
declare
  named text;
begin
  foreach named in array array['usage_daily', 'usage_by_user', 'usage_latency', 'feedback'] loop
    execute format('alter table tierwise.%I enable row level security', named);
    execute format('revoke all on tierwise.%I from public, anon, authenticated, service_role', named);
    execute format('grant select on tierwise.%I to authenticated', named);
    execute format('grant select, insert, update, delete on tierwise.%I to service_role', named);
    execute format('create policy "service role" on tierwise.%I to service_role using (true) with check (true)', named);
  end loop;
end
$$;
-- Totals of everybody are for admins; a member's own are in usage_by_user.
create policy "admins read" on tierwise.usage_daily for select to authenticated
  using (company_id = any (array(select tierwise.admin_companies())));
create policy "admins read" on tierwise.usage_latency for select to authenticated
  using (company_id = any (array(select tierwise.admin_companies())));
create policy "members read their own, admins their company's" on tierwise.usage_by_user for select to authenticated
  using ((user_id = (select auth.uid()) and company_id = any (array(select tierwise.my_companies())))
    or company_id = any (array(select tierwise.admin_companies())));
create policy "members read their own, admins their company's" on tierwise.feedback for select to authenticated
  using ((user_id = (select auth.uid()) and company_id = any (array(select tierwise.my_companies())))
    or company_id = any (array(select tierwise.admin_companies())));

-- Adds rows of llm_observations to the totals, each of which must be new. In the order of the keys, so that two
-- transactions wait for each other and never in a circle.
create function tierwise.add_to_totals(events uuid[]) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  with seen as materialized (
    select o.company_id, o.user_id, (o.at at time zone 'utc')::date as day,
      (abs(hashtext(o.user_id::text)::bigint) % 8)::smallint as slot,
      coalesce(o.tier, '') as tier, coalesce(o.provider, '') as provider, coalesce(o.model, '') as model,
      coalesce(o.source, '') as source,
      case when o.kind = 'totals' then coalesce((o.counts ->> 'start')::bigint, 0) else (o.kind = 'start')::int end as starts,
      case when o.kind = 'totals' then coalesce((o.counts ->> 'complete')::bigint, 0) else (o.kind = 'complete')::int end as completes,
      case when o.kind = 'totals' then coalesce((o.counts ->> 'error')::bigint, 0) else (o.kind = 'error')::int end as errors,
      case when o.kind = 'totals' then coalesce((o.counts ->> 'hit')::bigint, 0) else (o.kind = 'hit')::int end as hits,
      case when o.kind = 'totals' then coalesce((o.counts ->> 'cancel')::bigint, 0) else (o.kind = 'cancel')::int end as cancels,
      -- A start has the estimate of what its end counts again.
      case when o.source is distinct from 'cache' and o.kind not in ('hit', 'start') then coalesce(o.input_tokens, 0) else 0 end as input_tokens,
      case when o.source is distinct from 'cache' and o.kind not in ('hit', 'start') then coalesce(o.output_tokens, 0) else 0 end as output_tokens,
      case when o.source is distinct from 'cache' and o.kind not in ('hit', 'start') then coalesce(o.images, 0) else 0 end as images,
      coalesce(o.cost, 0) as cost, coalesce(o.saved, 0) as saved,
      o.cost is null and o.saved is null as without_price
    from public.llm_observations o
    where o.event_id = any (events)
  ), by_user as (
    insert into tierwise.usage_by_user as t (company_id, user_id, day, tier, provider, model, source,
      starts, completes, errors, hits, cancels, input_tokens, output_tokens, images, cost, saved, unpriced)
    select company_id, user_id, day, tier, provider, model, source, sum(starts), sum(completes), sum(errors), sum(hits),
      sum(cancels), sum(input_tokens), sum(output_tokens), sum(images), sum(cost), sum(saved),
      coalesce(sum(completes + hits) filter (where without_price), 0)
    from seen group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 4, 5, 6, 7
    on conflict (company_id, user_id, day, tier, provider, model, source) do update set
      starts = t.starts + excluded.starts, completes = t.completes + excluded.completes,
      errors = t.errors + excluded.errors, hits = t.hits + excluded.hits, cancels = t.cancels + excluded.cancels,
      input_tokens = t.input_tokens + excluded.input_tokens, output_tokens = t.output_tokens + excluded.output_tokens,
      images = t.images + excluded.images,
      cost = t.cost + excluded.cost, saved = t.saved + excluded.saved, unpriced = t.unpriced + excluded.unpriced
  )
  insert into tierwise.usage_daily as t (company_id, day, slot, tier, provider, model, source,
    starts, completes, errors, hits, cancels, input_tokens, output_tokens, images, cost, saved, unpriced)
  select company_id, day, slot, tier, provider, model, source, sum(starts), sum(completes), sum(errors), sum(hits),
    sum(cancels), sum(input_tokens), sum(output_tokens), sum(images), sum(cost), sum(saved),
    coalesce(sum(completes + hits) filter (where without_price), 0)
  from seen group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 4, 5, 6, 7
  on conflict (company_id, day, slot, tier, provider, model, source) do update set
    starts = t.starts + excluded.starts, completes = t.completes + excluded.completes,
    errors = t.errors + excluded.errors, hits = t.hits + excluded.hits, cancels = t.cancels + excluded.cancels,
    input_tokens = t.input_tokens + excluded.input_tokens, output_tokens = t.output_tokens + excluded.output_tokens,
      images = t.images + excluded.images,
    cost = t.cost + excluded.cost, saved = t.saved + excluded.saved, unpriced = t.unpriced + excluded.unpriced;

  insert into tierwise.usage_latency as t (company_id, day, slot, tier, provider, model, measure, bucket, calls)
  select o.company_id, (o.at at time zone 'utc')::date, (abs(hashtext(o.user_id::text)::bigint) % 2)::smallint,
    coalesce(o.tier, ''), coalesce(o.provider, ''), coalesce(o.model, ''), d.measure,
    ceil(ln(greatest(d.ms, 1)) / ln(1.1::double precision))::smallint, count(*)
  from public.llm_observations o
  cross join lateral (values ('first', o.first_part_ms), ('total', o.total_ms)) d (measure, ms)
  where o.event_id = any (events) and o.kind = 'complete' and d.ms is not null
  group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1, 2, 3, 4, 5, 6, 7, 8
  on conflict (company_id, day, slot, tier, provider, model, measure, bucket) do update set calls = t.calls + excluded.calls;
end
$$;

create function tierwise.total_new_rows() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform tierwise.add_to_totals(array(select n.event_id from new_rows n));
  return null;
end
$$;

do $$
begin
  if not exists (select from tierwise.host_tables where name = 'llm_observations') then
    create trigger totals after insert on public.llm_observations
      referencing new table as new_rows for each statement execute function tierwise.total_new_rows();
  end if;
end
$$;

-- What a call costs: US dollars, null where there is no price. The company's own price wins over everybody's, the exact
-- model over a prefix, the longer prefix over the shorter, and of those the price that began last.
create function tierwise.cost_of(company uuid, provider text, model text, at timestamptz,
  input_tokens bigint, output_tokens bigint, images integer, total_ms double precision) returns numeric
language sql stable security definer set search_path = ''
as $$
  select round((coalesce(input_tokens, 0) * coalesce(p.input_per_1k, 0)
      + coalesce(output_tokens, 0) * coalesce(p.output_per_1k, 0)) / 1000
    + coalesce(images, 0) * coalesce(p.per_image, 0)
    + (coalesce(total_ms, 0) / 1000)::numeric * coalesce(p.per_second, 0), 12)
  from tierwise.prices p
  where p.provider = cost_of.provider
    and (p.company_id = company or p.company_id is null)
    and (p.model = cost_of.model or p.model = '*'
      or (p.model like '%*' and starts_with(cost_of.model, left(p.model, -1))))
    and p.valid_from <= at and (p.valid_until is null or p.valid_until > at)
    -- A part that has a price but no count is unknown, not free.
    and (coalesce(p.input_per_1k, 0) = 0 or input_tokens is not null)
    and (coalesce(p.output_per_1k, 0) = 0 or output_tokens is not null)
    and (coalesce(p.per_image, 0) = 0 or images is not null)
    and (coalesce(p.per_second, 0) = 0 or total_ms is not null)
  order by p.company_id nulls last, p.model like '%*', length(p.model) desc, p.valid_from desc
  limit 1
$$;

-- An event as it came, checked: `code` says what is wrong with it, or is null.
create type tierwise.checked_event as (
  ordinal integer, event_id uuid, code text, message text, kind text, at timestamptz, interaction_id text, reply_id text,
  tier text, target text, provider text, model text, source text, input_tokens bigint, output_tokens bigint, images integer,
  tokens_estimated boolean, cost numeric, saved numeric, claimed_cost numeric, claimed_saved numeric,
  first_part_ms double precision, total_ms double precision, status text, error_class text, attempt integer,
  page_user text, page_company text, context_label text, experiment_arm text, app_version text, counts jsonb,
  prompt text, answer text
);

-- Milliseconds by which a page's clock is behind the server's; 0 within 5 s, or when the page did not say.
create function tierwise.clock_skew(sent_at timestamptz) returns interval
language sql stable set search_path = ''
as $$
  select case when abs(extract(epoch from now() - sent_at)) > 5 then now() - sent_at else interval '0' end
$$;

-- Which of `events` can be stored, each with its cost by the price table. Refuses by row, raises for none. `offset 0` keeps
-- the planner from copying one step's expression into each use of it in the next, which made a batch take seconds.
create function tierwise.check_events(events jsonb, sent_at timestamptz, company uuid, keeps_text boolean)
returns setof tierwise.checked_event
language sql stable security definer set search_path = '' rows 100
as $$
  select e.ordinal::integer, i.event_id, v.code, v.message, f.kind #>> '{}',
    case f.kind #>> '{}' when 'totals' then date_trunc('day', t.at, 'utc') else t.at end,
    f."interactionId" #>> '{}', f."replyId" #>> '{}', f.tier #>> '{}', f.target #>> '{}', f.provider #>> '{}',
    f.model #>> '{}', f.source #>> '{}', n.input_tokens, n.output_tokens, n.images,
    case when v.code is null then (f."tokensEstimated" #>> '{}')::boolean end,
    p.cost, p.saved, n.claimed_cost, n.claimed_saved, n.first_part_ms, n.total_ms, f.status #>> '{}',
    f."errorClass" #>> '{}', n.attempt, f."user" #>> '{}', f.company #>> '{}', f."contextLabel" #>> '{}',
    f."experimentArm" #>> '{}', f."appVersion" #>> '{}',
    case when f.kind #>> '{}' = 'totals' then f.counts end,
    case when keeps_text then f.prompt #>> '{}' end, case when keeps_text then f.answer #>> '{}' end
  from jsonb_array_elements(events) with ordinality e (event, ordinal)
  -- Members that are JSON's null count as absent.
  cross join lateral jsonb_to_record(
    case when jsonb_typeof(e.event) = 'object' then jsonb_strip_nulls(e.event) else '{}' end) f (
    "eventId" jsonb, "interactionId" jsonb, "replyId" jsonb, kind jsonb, at jsonb, tier jsonb, target jsonb, provider jsonb,
    model jsonb, source jsonb, "inputTokens" jsonb, "outputTokens" jsonb, images jsonb, "tokensEstimated" jsonb, cost jsonb,
    saved jsonb, "firstPartMs" jsonb, "totalMs" jsonb, status jsonb, "errorClass" jsonb, attempt jsonb, "user" jsonb,
    company jsonb, "contextLabel" jsonb, "experimentArm" jsonb, "appVersion" jsonb, counts jsonb, prompt jsonb, answer jsonb)
  cross join lateral (select case
      when f."eventId" #>> '{}' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
      then (f."eventId" #>> '{}')::uuid end as event_id offset 0) i
  cross join lateral (select case
      when octet_length(e.event::text) > 262144 then 'larger than 256 KiB'
      when jsonb_typeof(e.event) <> 'object' then 'not an object'
      when i.event_id is null then 'eventId: must be a UUID'
      when f.kind is null or f.kind #>> '{}' not in ('start', 'complete', 'error', 'hit', 'cancel', 'totals')
        then 'kind: must be start, complete, error, hit, cancel or totals'
      when f.at is null then 'at: must be milliseconds since 1970'
      when f.tier is not null and f.tier #>> '{}' not in ('base', 'company', 'abstraction', 'user')
        then 'tier: must be base, company, abstraction or user'
      when f.provider is not null and f.provider #>> '{}' not in ('space', 'openai', 'router', 'mock', 'huggingface')
        then 'provider: must be space, openai, router, mock or huggingface'
      when f.source is not null and f.source #>> '{}' not in ('space', 'openai', 'router', 'mock', 'cache')
        then 'source: must be space, openai, router, mock or cache'
      when f.status is not null and f.status #>> '{}' not in ('ok', 'error', 'cancelled')
        then 'status: must be ok, error or cancelled'
      when f."tokensEstimated" is not null and jsonb_typeof(f."tokensEstimated") <> 'boolean'
        then 'tokensEstimated: must be true or false'
      else coalesce(
        (select s.name || ': must be text of at most ' || s.most || ' characters'
         from (values ('kind', f.kind, 20), ('interactionId', f."interactionId", 200), ('replyId', f."replyId", 200),
             ('tier', f.tier, 20), ('target', f.target, 200), ('provider', f.provider, 20), ('model', f.model, 200),
             ('source', f.source, 20), ('status', f.status, 20), ('errorClass', f."errorClass", 100),
             ('user', f."user", 200), ('company', f.company, 200), ('contextLabel', f."contextLabel", 200),
             ('experimentArm', f."experimentArm", 200), ('appVersion', f."appVersion", 200),
             ('prompt', f.prompt, 131072), ('answer', f.answer, 131072)) s (name, value, most)
         where s.value is not null and (jsonb_typeof(s.value) <> 'string' or length(s.value #>> '{}') > s.most) limit 1),
        (select s.name || ': must be a number from 0 to ' || s.most
         from (values ('at', f.at, 1e13), ('inputTokens', f."inputTokens", 1e10), ('outputTokens', f."outputTokens", 1e10),
             ('images', f.images, 1e5), ('cost', f.cost, 1e6), ('saved', f.saved, 1e6),
             ('firstPartMs', f."firstPartMs", 1e8), ('totalMs', f."totalMs", 1e8), ('attempt', f.attempt, 1e4))
             s (name, value, most)
         where s.value is not null
           and case when jsonb_typeof(s.value) = 'number' then not s.value::numeric between 0 and s.most else true end limit 1),
        case
          when f.kind #>> '{}' <> 'totals' then null
          when f.counts is null or jsonb_typeof(f.counts) <> 'object' then 'counts: must be how many of each kind'
          when exists (select from jsonb_each(f.counts) c
            where c.key not in ('start', 'complete', 'error', 'hit', 'cancel')
              or case when jsonb_typeof(c.value) = 'number'
                then not c.value::numeric between 0 and 1e7 or c.value::numeric <> trunc(c.value::numeric) else true end)
            then 'counts: must be whole numbers of start, complete, error, hit and cancel, at most 10000000'
        end)
      end as fault offset 0) w
  cross join lateral (select case when w.fault is null
      then to_timestamp((f.at #>> '{}')::double precision / 1000) + tierwise.clock_skew(sent_at) end as at offset 0) t
  cross join lateral (select
      case
        when w.fault is not null then 'invalid-field'
        when t.at < now() - interval '90 days' - case f.kind #>> '{}' when 'totals' then interval '1 day' else interval '0' end
          then 'too-old'
        when t.at > now() + interval '10 minutes' then 'in-the-future'
      end as code,
      coalesce(w.fault, case
        when t.at < now() - interval '91 days' then 'at: more than 90 days ago'
        when t.at < now() - interval '90 days' and f.kind #>> '{}' <> 'totals' then 'at: more than 90 days ago'
        when t.at > now() + interval '10 minutes' then 'at: more than 10 minutes ahead' end) as message offset 0) v
  cross join lateral (select
      case when v.code is null then round((f."inputTokens")::numeric)::bigint end as input_tokens,
      case when v.code is null then round((f."outputTokens")::numeric)::bigint end as output_tokens,
      case when v.code is null then round(f.images::numeric)::integer end as images,
      case when v.code is null then round(f.cost::numeric, 12) end as claimed_cost,
      case when v.code is null then round(f.saved::numeric, 12) end as claimed_saved,
      case when v.code is null then (f."firstPartMs" #>> '{}')::double precision end as first_part_ms,
      case when v.code is null then (f."totalMs" #>> '{}')::double precision end as total_ms,
      case when v.code is null then round(f.attempt::numeric)::integer end as attempt offset 0) n
  -- A hit costs nothing and saves what its call would cost; `provider` names what answered first. Totals of the outbox name
  -- their source instead. Nothing was paid for what is only begun.
  cross join lateral (select case
      when v.code is not null or f.kind #>> '{}' = 'start' then null
      when f.kind #>> '{}' in ('error', 'cancel') and n.input_tokens is null and n.output_tokens is null then null
      else tierwise.cost_of(check_events.company, coalesce(f.provider #>> '{}', f.source #>> '{}'), f.model #>> '{}', t.at,
        n.input_tokens, n.output_tokens, coalesce(n.images, 0), n.total_ms) end as price,
      f.kind #>> '{}' = 'hit' or (f.kind #>> '{}' = 'totals' and f.source #>> '{}' = 'cache') as cached offset 0) c
  cross join lateral (select case when not c.cached then c.price when v.code is null then 0 end as cost,
      case when c.cached then c.price end as saved) p
  order by e.ordinal
$$;

-- Stores the events of a page: one verdict for each, in order. `stored` and `duplicate` are final and good, `refused` is
-- final and bad. What can be tried again is an error: 28000 not signed in, 42501 not a member of the company, 22023 not an
-- array, 54000 more than 500 events or 2 MiB.
create function tierwise.record_usage(events jsonb, sent_at timestamptz default null, company uuid default null)
returns table (event_id uuid, verdict text, code text, message text)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  caller constant uuid := auth.uid();
  resolved constant uuid := tierwise.resolve_company(company);
  keeps boolean;
  checked tierwise.checked_event[];
  stored uuid[];
begin
  if events is null or jsonb_typeof(events) <> 'array' then
    raise exception 'not-an-array' using errcode = '22023';
  end if;
  if jsonb_array_length(events) > 500 or pg_column_size(events) > 2097152 then
    raise exception 'too-many-events' using errcode = '54000';
  end if;
  if sent_at is not null and (sent_at < '1970-01-01' or sent_at > '2290-01-01') then
    raise exception 'invalid-sent-at' using errcode = '22023';
  end if;
  select c.keeps_text into keeps from tierwise.companies c where c.id = resolved;
  checked := array(select c from tierwise.check_events(events, sent_at, resolved, keeps) c);

  with wanted as (
    select distinct on (c.event_id) c.* from unnest(checked) c where c.code is null order by c.event_id, c.ordinal
  ), inserted as (
    insert into public.llm_observations (event_id, company_id, user_id, kind, at, received_at, interaction_id, reply_id, tier,
      target, provider, model, source, input_tokens, output_tokens, images, tokens_estimated, cost, saved, claimed_cost,
      claimed_saved, first_part_ms, total_ms, status, error_class, attempt, page_user, page_company, context_label,
      experiment_arm, app_version, counts, prompt, answer)
    select w.event_id, resolved, caller, w.kind, w.at, now(), w.interaction_id, w.reply_id, w.tier,
      w.target, w.provider, w.model, w.source, w.input_tokens, w.output_tokens, w.images, w.tokens_estimated, w.cost, w.saved,
      w.claimed_cost, w.claimed_saved, w.first_part_ms, w.total_ms, w.status, w.error_class, w.attempt, w.page_user,
      w.page_company, w.context_label, w.experiment_arm, w.app_version, w.counts, w.prompt, w.answer
    from wanted w
    -- In the order of the key, so that two senders of the same events wait for each other and never in a circle.
    order by w.event_id
    on conflict (event_id) do nothing
    returning llm_observations.event_id
  )
  select array_agg(n.event_id) into stored from inserted n;
  if stored is not null and exists (select from tierwise.host_tables h where h.name = 'llm_observations') then
    perform tierwise.add_to_totals(stored);
  end if;

  -- A statement of its own: it sees what another transaction stored while the one above waited. What is already there is a
  -- duplicate whatever else is wrong with it: it came again because the first answer was lost.
  return query
  select c.event_id,
    case
      when c.event_id = any (stored) and c.code is null
        and c.ordinal = min(c.ordinal) filter (where c.code is null) over (partition by c.event_id) then 'stored'
      when s.mine then 'duplicate'
      else 'refused' end,
    case when not s.mine then coalesce(c.code, 'event-id-taken') end,
    case when not s.mine then coalesce(c.message, 'eventId: taken') end
  from unnest(checked) c
  left join public.llm_observations o on o.event_id = c.event_id
  cross join lateral (select coalesce(c.event_id = any (stored), false) or coalesce(o.user_id = caller, false) as mine) s
  order by c.ordinal;
end
$$;

-- The same for feedback on replies.
create function tierwise.record_feedback(feedback jsonb, sent_at timestamptz default null, company uuid default null)
returns table (event_id uuid, verdict text, code text, message text)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  caller constant uuid := auth.uid();
  resolved constant uuid := tierwise.resolve_company(company);
  given jsonb := feedback;
begin
  if given is null or jsonb_typeof(given) <> 'array' then
    raise exception 'not-an-array' using errcode = '22023';
  end if;
  if jsonb_array_length(given) > 500 or pg_column_size(given) > 2097152 then
    raise exception 'too-many-events' using errcode = '54000';
  end if;
  if sent_at is not null and (sent_at < '1970-01-01' or sent_at > '2290-01-01') then
    raise exception 'invalid-sent-at' using errcode = '22023';
  end if;
  return query
  with checked as materialized (
    select e.ordinal, i.event_id, w.fault, f.*,
      case when w.fault is null then to_timestamp((f.at #>> '{}')::double precision / 1000) + tierwise.clock_skew(sent_at) end as happened
    from jsonb_array_elements(given) with ordinality e (event, ordinal)
    cross join lateral jsonb_to_record(
      case when jsonb_typeof(e.event) = 'object' then jsonb_strip_nulls(e.event) else '{}' end) f (
      "eventId" jsonb, "replyId" jsonb, "interactionId" jsonb, verdict jsonb, comment jsonb, at jsonb)
    cross join lateral (select case
        when f."eventId" #>> '{}' ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        then (f."eventId" #>> '{}')::uuid end as event_id offset 0) i
    cross join lateral (select case
        when i.event_id is null then 'eventId: must be a UUID'
        when f.verdict is null or f.verdict #>> '{}' not in ('up', 'down') then 'verdict: must be up or down'
        when jsonb_typeof(f."replyId") is distinct from 'string' or length(f."replyId" #>> '{}') not between 1 and 200
          then 'replyId: must be text of at most 200 characters'
        when f."interactionId" is not null and (jsonb_typeof(f."interactionId") <> 'string' or length(f."interactionId" #>> '{}') > 200)
          then 'interactionId: must be text of at most 200 characters'
        when f.comment is not null and (jsonb_typeof(f.comment) <> 'string' or length(f.comment #>> '{}') > 4000)
          then 'comment: must be text of at most 4000 characters'
        when case when jsonb_typeof(f.at) = 'number' then not f.at::numeric between 0 and 1e13 else true end
          then 'at: must be milliseconds since 1970'
      end as fault offset 0) w
  ), judged as materialized (
    select c.*, case when c.fault is not null then 'invalid-field'
      when c.happened < now() - interval '90 days' then 'too-old'
      when c.happened > now() + interval '10 minutes' then 'in-the-future' end as code
    from checked c
  ), inserted as (
    insert into tierwise.feedback as g (event_id, company_id, user_id, reply_id, interaction_id, verdict, comment, at)
    select distinct on (j.event_id) j.event_id, resolved, caller, j."replyId" #>> '{}', j."interactionId" #>> '{}',
      j.verdict #>> '{}', j.comment #>> '{}', j.happened
    from judged j where j.code is null order by j.event_id, j.ordinal
    -- A row of the caller's is touched, so that it comes back as seen; another's does not.
    on conflict (event_id) do update set event_id = excluded.event_id where g.user_id = caller
    returning g.event_id, (g.xmax = 0) as is_new
  )
  select j.event_id,
    case when j.code is not null or n.event_id is null then 'refused'
      when n.is_new and j.ordinal = min(j.ordinal) filter (where j.code is null) over (partition by j.event_id) then 'stored'
      else 'duplicate' end,
    case when j.code is not null then j.code when n.event_id is null then 'event-id-taken' end,
    case when j.code = 'invalid-field' then j.fault
      when j.code = 'too-old' then 'at: more than 90 days ago'
      when j.code = 'in-the-future' then 'at: more than 10 minutes ahead'
      when n.event_id is null then 'eventId: taken' end
  from judged j left join inserted n on n.event_id = j.event_id and j.code is null
  order by j.ordinal;
end
$$;

revoke all on function tierwise.add_to_totals(uuid[]), tierwise.total_new_rows(),
  tierwise.cost_of(uuid, text, text, timestamptz, bigint, bigint, integer, double precision),
  tierwise.clock_skew(timestamptz), tierwise.check_events(jsonb, timestamptz, uuid, boolean),
  tierwise.record_usage(jsonb, timestamptz, uuid), tierwise.record_feedback(jsonb, timestamptz, uuid)
  from public, anon, authenticated, service_role;
revoke all on type tierwise.checked_event from public;
grant execute on function tierwise.record_usage(jsonb, timestamptz, uuid), tierwise.record_feedback(jsonb, timestamptz, uuid)
  to authenticated;
grant execute on function tierwise.cost_of(uuid, text, text, timestamptz, bigint, bigint, integer, double precision)
  to service_role;
