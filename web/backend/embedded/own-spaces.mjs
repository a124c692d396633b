/**
 * Everybody's Spaces in the configuration: those that were started on this machine. A row that an operator made, and every
 * company's own row, stays as it is and wins. Rows of Spaces that are not running any more are switched off.
 */
const nameOf = (tier) => `${tier} on this machine`;
export const tiers = ['base', 'company', 'abstraction', 'user'];

/** `spaces`: tier -> address. `sql`: a connection as the owner of the tables. */
export async function setOwnSpaces(sql, spaces) {
  await sql.begin(async (tx) => {
    for (const tier of tiers) {
      const url = spaces[tier];
      const [found] = await tx`select id, space_name, space_url from public.hf_spaces_config
        where company_id is null and space_type = ${tier} and is_active order by created_at desc limit 1 for update`;
      const isOwn = found?.space_name === nameOf(tier);
      if (url === undefined) {
        if (isOwn) await tx`update public.hf_spaces_config set is_active = false where id = ${found.id}`;
      } else if (isOwn) {
        if (found.space_url !== url)
          await tx`update public.hf_spaces_config set space_url = ${url} where id = ${found.id}`;
      } else if (found === undefined) {
        const again = await tx`update public.hf_spaces_config set is_active = true, space_url = ${url}
          where id = (select id from public.hf_spaces_config where company_id is null and space_type = ${tier}
            and space_name = ${nameOf(tier)} order by created_at desc limit 1) returning id`;
        if (again.length === 0)
          await tx`insert into public.hf_spaces_config (space_name, space_type, space_url, api_endpoint)
            values (${nameOf(tier)}, ${tier}, ${url}, '/api/generate')`;
      }
    }
  });
}
