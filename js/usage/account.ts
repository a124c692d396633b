/** Whose rows: a row waits for the account it was recorded under, and is sent with its token only. */
export function accountOf(partition: { tenant?: string | undefined; user?: string | undefined }): string {
  return JSON.stringify([partition.tenant ?? '', partition.user ?? '']);
}
