/**
 * Who is there in development: two companies and three people, with ids that never change. What is missing is added at each
 * start; a role or a name that was changed since stays as it is.
 */
export const acme = '7e57ac3e-0000-4000-8000-000000000001';
export const umbrella = '7e57b3e1-0000-4000-8000-000000000001';

const password = 'development';
export const people = [
  {
    id: '7e57ac3e-0000-4000-8000-000000000011',
    email: 'ada@acme.example',
    password,
    name: 'Ada',
    role: 'admin',
    company: { id: acme, name: 'Acme' },
  },
  {
    id: '7e57ac3e-0000-4000-8000-000000000012',
    email: 'max@acme.example',
    password,
    name: 'Max',
    role: 'member',
    company: { id: acme, name: 'Acme' },
  },
  {
    id: '7e57b3e1-0000-4000-8000-000000000011',
    email: 'eve@umbrella.example',
    password,
    name: 'Eve',
    role: 'member',
    company: { id: umbrella, name: 'Umbrella' },
  },
];

/** An installation begins with Spaces off: these companies use them from the start. */
const ownFlags = ['useHuggingFaceSpaces', 'useHFCompanyModel', 'useHFAbstractionModel', 'useHFUserModel'];

/** `sql`: a connection as the owner of the tables. */
export async function addPeople(sql) {
  const companies = new Map(people.map(({ company }) => [company.id, company]));
  await sql.begin(async (tx) => {
    const added =
      await tx`insert into tierwise.companies ${tx([...companies.values()], 'id', 'name')} on conflict do nothing
      returning id`;
    const flags = added.flatMap(({ id }) => ownFlags.map((name) => ({ company_id: id, name, enabled: true })));
    if (flags.length > 0) await tx`insert into tierwise.flags ${tx(flags)} on conflict do nothing`;
    const members = people.map(({ id, role, company }) => ({ user_id: id, role, company_id: company.id }));
    await tx`insert into tierwise.members ${tx(members)} on conflict do nothing`;
  });
}
