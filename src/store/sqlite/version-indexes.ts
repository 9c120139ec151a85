/**
 * Indexes over what is rare: revocations, and objects of which there are several rows. Made where they are missing, also in
 * a store of an older program: they hold nothing that the table does not.
 */
export const VERSION_INDEXES = `
create index if not exists entries_revoked on entries (log, status, seq) where status is not null and revoked = 1;
create index if not exists entries_repeated on entries (log, status, seq)
  where status is not null and others is not 0;
create index if not exists entries_versions on entries (id, log, status, modified, revoked, seq)
  where id is not null and others is not 0;
`
