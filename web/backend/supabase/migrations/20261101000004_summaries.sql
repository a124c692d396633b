-- What dashboards ask, and what keeps the tables small.
--
-- The summaries read the totals by day, never the rows: their time does not grow with the number of events. Percentiles
-- of a company come from buckets a tenth wide (at most 5 % off); a member's own from the last 5,000 calls.

-- The columns of public.llm_observations that record_usage fills.
create function tierwise.observation_columns() returns text[]
language sql immutable set search_path = ''
as $$
  select string_to_array('event_id company_id user_id kind at received_at interaction_id reply_id tier target provider model '
    'source input_tokens output_tokens images tokens_estimated cost saved claimed_cost claimed_saved first_part_ms total_ms '
    'status error_class attempt page_user page_company context_label experiment_arm app_version counts prompt answer', ' ')
$$;

-- Whether the tables of the host application are as the functions need them; for `tierwise doctor`.
create function tierwise.host_report()
returns table (name text, of_host boolean, row_security boolean, policies integer, anonymous_reads boolean, unfilled text[])
language sql stable security definer set search_path = ''
as $$
  select t.name, h.name is not null, c.relrowsecurity,
    (select count(*)::integer from pg_catalog.pg_policy p where p.polrelid = c.oid),
    has_table_privilege('anon', c.oid, 'select')
      and (not c.relrowsecurity or exists (
        select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polcmd in ('r', '*')
          and p.polroles && array[0, 'anon'::regrole::oid])),
    -- What a row of ours does not fill and nobody fills for it: inserts fail until it has a default.
    array(select a.attname::text from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef
        and a.attidentity = '' and a.attgenerated = '' and h.name is not null
        and not (t.name = 'llm_observations' and a.attname = any (tierwise.observation_columns()))
      order by a.attnum)
  from (values ('model_registry'), ('hf_spaces_config'), ('hf_deployments'), ('huggingface_models'), ('llm_observations'))
    t (name)
  join pg_catalog.pg_class c on c.oid = to_regclass('public.' || t.name)
  left join tierwise.host_tables h on h.name = t.name
$$;

-- Usage from one day (UTC) to another, both included, split by `day`, `model`, `tier`, `provider`, `source`, `user`, or not
-- (`total`). Admins see their company, members themselves. Durations are null where there is no such split of them.
create function tierwise.usage_summary(since date, until date, split text default 'total', company uuid default null)
returns table (part text, starts bigint, completes bigint, errors bigint, hits bigint, cancels bigint, input_tokens bigint,
  output_tokens bigint, images bigint, cost numeric, saved numeric, unpriced bigint, first_p50_ms double precision,
  first_p95_ms double precision, total_p50_ms double precision, total_p95_ms double precision)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  caller constant uuid := auth.uid();
  resolved constant uuid := tierwise.resolve_company(company);
  admin constant boolean := tierwise.is_admin(resolved);
begin
  if split is null or split not in ('total', 'day', 'model', 'tier', 'provider', 'source', 'user') then
    raise exception 'invalid-split' using errcode = '22023';
  end if;
  if since is null or until is null or until - since not between 0 and 3660 then
    raise exception 'invalid-range' using errcode = '22023';
  end if;
  return query
  with counted as (
    select case split when 'day' then d.day::text when 'model' then d.model when 'tier' then d.tier
        when 'provider' then d.provider when 'source' then d.source else '' end as part, d.starts, d.completes, d.errors,
      d.hits, d.cancels, d.input_tokens, d.output_tokens, d.images, d.cost, d.saved, d.unpriced
    from tierwise.usage_daily d
    where admin and split <> 'user' and d.company_id = resolved and d.day between since and until
    union all
    -- People become text after the grouping: there are far fewer of them.
    select d.user_id::text, sum(d.starts)::bigint, sum(d.completes)::bigint, sum(d.errors)::bigint, sum(d.hits)::bigint,
      sum(d.cancels)::bigint, sum(d.input_tokens)::bigint, sum(d.output_tokens)::bigint, sum(d.images)::bigint, sum(d.cost),
      sum(d.saved), sum(d.unpriced)::bigint
    from tierwise.usage_by_user d
    where admin and split = 'user' and d.company_id = resolved and d.day between since and until
    group by d.user_id
    union all
    select case split when 'day' then d.day::text when 'model' then d.model when 'tier' then d.tier
        when 'provider' then d.provider when 'source' then d.source when 'user' then d.user_id::text else '' end, d.starts,
      d.completes, d.errors, d.hits, d.cancels, d.input_tokens, d.output_tokens, d.images, d.cost, d.saved, d.unpriced
    from tierwise.usage_by_user d
    where not admin and d.company_id = resolved and d.user_id = caller and d.day between since and until
  ), summed as (
    select c.part, sum(c.starts)::bigint as starts, sum(c.completes)::bigint as completes, sum(c.errors)::bigint as errors,
      sum(c.hits)::bigint as hits, sum(c.cancels)::bigint as cancels, sum(c.input_tokens)::bigint as input_tokens,
      sum(c.output_tokens)::bigint as output_tokens, sum(c.images)::bigint as images, sum(c.cost) as cost,
      sum(c.saved) as saved, sum(c.unpriced)::bigint as unpriced
    from counted c group by c.part
  ), bucketed as (
    -- Days become text after the grouping: there are far fewer of them.
    select coalesce(b.day::text, b.named) as part, b.measure, b.bucket, b.calls
    from (
      select case split when 'day' then l.day end as day,
        case split when 'model' then l.model when 'tier' then l.tier when 'provider' then l.provider else '' end as named,
        l.measure, l.bucket, sum(l.calls) as calls
      from tierwise.usage_latency l
      where admin and split not in ('user', 'source') and l.company_id = resolved and l.day between since and until
      group by 1, 2, 3, 4
    ) b
  ), ranked as (
    select b.part, b.measure, power(1.1::double precision, b.bucket - 0.5) as ms,
      sum(b.calls) over (partition by b.part, b.measure order by b.bucket) as upto,
      sum(b.calls) over (partition by b.part, b.measure) as of
    from bucketed b
  ), own as (
    select case split when 'day' then (o.at at time zone 'utc')::date::text when 'model' then coalesce(o.model, '')
        when 'tier' then coalesce(o.tier, '') when 'provider' then coalesce(o.provider, '')
        when 'source' then coalesce(o.source, '') when 'user' then o.user_id::text else '' end as part,
      o.first_part_ms, o.total_ms
    from public.llm_observations o
    where not admin and o.company_id = resolved and o.user_id = caller and o.kind = 'complete'
      and o.at >= since::timestamp at time zone 'utc' and o.at < (until + 1)::timestamp at time zone 'utc'
    order by o.at desc limit 5000
  ), durations as (
    select r.part, min(r.ms) filter (where r.measure = 'first' and r.upto >= 0.5 * r.of) as first_p50,
      min(r.ms) filter (where r.measure = 'first' and r.upto >= 0.95 * r.of) as first_p95,
      min(r.ms) filter (where r.measure = 'total' and r.upto >= 0.5 * r.of) as total_p50,
      min(r.ms) filter (where r.measure = 'total' and r.upto >= 0.95 * r.of) as total_p95
    from ranked r group by r.part
    union all
    select o.part, percentile_disc(0.5) within group (order by o.first_part_ms),
      percentile_disc(0.95) within group (order by o.first_part_ms),
      percentile_disc(0.5) within group (order by o.total_ms), percentile_disc(0.95) within group (order by o.total_ms)
    from own o group by o.part
  )
  select s.part, s.starts, s.completes, s.errors, s.hits, s.cancels, s.input_tokens, s.output_tokens, s.images, s.cost,
    s.saved, s.unpriced, d.first_p50, d.first_p95, d.total_p50, d.total_p95
  from summed s left join durations d on d.part = s.part
  order by case when split = 'day' then s.part end, s.cost desc, s.part;
end
$$;

-- What the calls of those days would have cost at each price there is now, cheapest first; `actual` is what they did cost.
-- Images are compared at prices for images, tokens at prices for tokens (`unit` 1k-tokens, or embedding).
create function tierwise.cost_comparison(since date, until date, company uuid default null)
returns table (provider text, model text, unit text, price_of_1k_in numeric, price_of_1k_out numeric, price_of_image numeric,
  would_cost numeric, actual numeric)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  resolved constant uuid := tierwise.resolve_company(company);
  admin constant boolean := tierwise.is_admin(resolved);
begin
  if since is null or until is null or until - since not between 0 and 3660 then
    raise exception 'invalid-range' using errcode = '22023';
  end if;
  return query
  with used as (
    select sum(s.input_tokens) as input_tokens, sum(s.output_tokens) as output_tokens, sum(s.images) as images,
      sum(s.cost) as cost
    from (
      select d.input_tokens, d.output_tokens, d.images, d.cost from tierwise.usage_daily d
      where admin and d.company_id = resolved and d.day between since and until
      union all
      select d.input_tokens, d.output_tokens, d.images, d.cost from tierwise.usage_by_user d
      where not admin and d.company_id = resolved and d.user_id = auth.uid() and d.day between since and until
    ) s
  )
  select p.provider, p.model, p.unit, p.input_per_1k, p.output_per_1k, p.per_image,
    case p.unit when 'image' then coalesce(u.images, 0) * p.per_image
      else (coalesce(u.input_tokens, 0) * coalesce(p.input_per_1k, 0)
        + coalesce(u.output_tokens, 0) * coalesce(p.output_per_1k, 0)) / 1000 end,
    coalesce(u.cost, 0)
  from (
    select distinct on (q.provider, q.model) q.*,
      case when coalesce(q.input_per_1k, q.output_per_1k) is null then 'image'
        -- What has no price of its output has none: embeddings.
        when coalesce(q.output_per_1k, 0) = 0 then 'embedding' else '1k-tokens' end as unit
    from tierwise.prices q
    where (q.company_id = resolved or q.company_id is null) and q.model not like '%*'
      and q.valid_from <= now() and (q.valid_until is null or q.valid_until > now())
      and num_nonnulls(q.input_per_1k, q.output_per_1k, q.per_image) > 0
    order by q.provider, q.model, q.company_id nulls last, q.valid_from desc
  ) p cross join used u
  order by p.unit, 7, p.provider, p.model;
end
$$;

-- How targets did in the last hour, and when each last answered at all.
create function tierwise.recent_health(targets text[], company uuid default null)
returns table (target text, calls bigint, errors bigint, error_share double precision, p50_ms double precision,
  p95_ms double precision, last_success timestamptz)
language plpgsql stable security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  resolved constant uuid := tierwise.resolve_company(company);
begin
  if cardinality(targets) > 100 then
    raise exception 'too-many-targets' using errcode = '22023';
  end if;
  return query
  select t.target, coalesce(h.calls, 0), coalesce(h.errors, 0), h.errors / nullif(h.calls, 0)::double precision, h.p50, h.p95, s.at
  from unnest(targets) t (target)
  left join (
    select o.target, count(*) as calls, count(*) filter (where o.kind = 'error') as errors,
      percentile_disc(0.5) within group (order by o.total_ms) filter (where o.kind = 'complete') as p50,
      percentile_disc(0.95) within group (order by o.total_ms) filter (where o.kind = 'complete') as p95
    from public.llm_observations o
    where o.company_id = resolved and o.at > now() - interval '1 hour' and o.kind in ('complete', 'error')
      and o.target = any (targets)
    group by o.target
  ) h on h.target = t.target
  left join lateral (
    select o.at from public.llm_observations o
    where o.company_id = resolved and o.target = t.target and o.kind = 'complete' order by o.at desc limit 1
  ) s on true;
end
$$;

-- Deletes what is older than each company keeps, at most `most` rows of each table in one go: call it until it returns
-- nothing. The trail (tierwise.audit) stays.
create function tierwise.apply_retention(most integer default 20000)
returns table (table_name text, deleted bigint)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  named text;
  count_of bigint;
begin
  foreach named in array array['public.llm_observations', 'tierwise.feedback'] loop
    execute format('delete from %1$s o using (
        select x.event_id from tierwise.companies c
        cross join lateral (
          select i.event_id from %1$s i
          where i.company_id = c.id and i.at < now() - make_interval(days => c.retention_days) limit $1
        ) x limit $1
      ) old where o.event_id = old.event_id', named) using most;
    get diagnostics count_of = row_count;
    if count_of > 0 then
      return query select named, count_of;
    end if;
  end loop;
  foreach named in array array['tierwise.usage_daily', 'tierwise.usage_by_user', 'tierwise.usage_latency'] loop
    execute format('delete from %1$s d where d.ctid = any (array(
        select i.ctid from tierwise.companies c join %1$s i
          on i.company_id = c.id and i.day < (now() at time zone ''utc'')::date - c.totals_days limit $1))', named) using most;
    get diagnostics count_of = row_count;
    if count_of > 0 then
      return query select named, count_of;
    end if;
  end loop;
  delete from tierwise.rate_buckets b where b.filled_at < now() - interval '1 day';
end
$$;

-- Erases what is stored of one person in one company; the company's totals by day keep their sums, which name nobody.
-- For the person and for admins of the company.
create function tierwise.forget_user(person uuid, company uuid default null)
returns table (table_name text, deleted bigint)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  resolved constant uuid := tierwise.resolve_company(company);
  named text;
  count_of bigint;
begin
  if person is distinct from auth.uid() and not tierwise.is_admin(resolved) then
    raise exception 'not-an-admin' using errcode = '42501';
  end if;
  foreach named in array array['public.llm_observations', 'tierwise.usage_by_user', 'tierwise.feedback'] loop
    execute format('delete from %s o where o.company_id = $1 and o.user_id = $2', named)
      -- Rows that a host application wrote into its table by itself are its own.
      || case named when 'public.llm_observations' then ' and o.event_id is not null' else '' end using resolved, person;
    get diagnostics count_of = row_count;
    return query select named, count_of;
  end loop;
  insert into tierwise.audit (company_id, actor, acting_role, action, table_name)
  values (resolved, auth.uid(), coalesce(nullif(current_setting('role', true), 'none'), session_user), 'forget',
    'public.llm_observations');
end
$$;

revoke all on function tierwise.observation_columns(), tierwise.host_report(),
  tierwise.usage_summary(date, date, text, uuid), tierwise.cost_comparison(date, date, uuid),
  tierwise.recent_health(text[], uuid), tierwise.apply_retention(integer), tierwise.forget_user(uuid, uuid)
  from public, anon, authenticated, service_role;
grant execute on function tierwise.usage_summary(date, date, text, uuid), tierwise.cost_comparison(date, date, uuid),
  tierwise.recent_health(text[], uuid), tierwise.forget_user(uuid, uuid) to authenticated;
grant execute on function tierwise.host_report(), tierwise.apply_retention(integer) to service_role;
