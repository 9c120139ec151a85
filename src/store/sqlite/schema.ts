/** "NORO": marks a SQLite file as a Noroshi store. */
export const APPLICATION_ID = 0x4e4f524f

/** Version of the tables; a store with a higher one was written by a newer program. */
export const SCHEMA_VERSION = 3

/** Fewer, larger pages: an entry of a kilobyte stays whole, and scans read half as often. */
export const PAGE_BYTES = 8_192

/** The tables of `sql/tables.ts` in SQLite. */
export const SCHEMA = `
create table meta (name text primary key, value text not null) strict, without rowid;

create table logs (
  id integer primary key, log text not null unique, author text not null, own integer not null,
  audience text not null, audience_id text not null, incarnation text not null,
  size integer not null, root text not null, frontier blob not null, entry_time integer not null,
  time integer not null, checkpoint text not null, closed integer not null, drill text,
  arrived integer not null, bytes integer not null
) strict;
create unique index logs_open on logs (author, audience_id) where own = 1 and closed = 0;

create table checkpoints (
  log integer not null, size integer not null, note text not null, key blob not null, arrived integer not null,
  primary key (log, size)
) strict, without rowid;

create table tiles (
  log integer not null, level integer not null, tile integer not null, hashes blob not null,
  primary key (log, level, tile)
) strict;

create table entries (
  key integer primary key, log integer not null, seq integer not null, kind integer, time integer,
  arrived integer not null, withheld integer, purged integer, reason text,
  type text, id text, modified text, creator text, pattern_type text, revoked integer, status text, code text,
  bytes blob, others integer, first_seq integer
) strict;
create index entries_by_log on entries (log, status, seq) where status is not null;
create index entries_by_type on entries (type, log, status, seq) where status is not null;
create index entries_by_id on entries (id, seq) where id is not null;
create index entries_moved on entries (log, status) where first_seq is not null;

create table resurfaced (seq integer primary key, log integer not null, key integer not null, side text not null) strict;
create index resurfaced_by_key on resurfaced (key);

create table arrivals (arrived integer primary key, first integer not null, last integer not null) strict;

create table counts (
  log integer not null, type text not null, status text not null, count integer not null,
  primary key (log, type, status)
) strict, without rowid;

create table records (
  collection text not null, key text not null, value text not null, digest blob not null,
  primary key (collection, key)
) strict, without rowid;

create table journal (
  stream text not null, sequence integer not null, time integer not null, value text not null, digest blob not null,
  primary key (stream, sequence)
) strict, without rowid;
`

/** From each version to the next: the first takes a store of version 1. */
export const MIGRATIONS: readonly string[] = [
  'alter table entries add column others integer',
  `alter table entries add column first_seq integer;
  create index entries_moved on entries (log, status) where first_seq is not null;
  create table resurfaced (seq integer primary key, log integer not null, key integer not null, side text not null) strict;
  create index resurfaced_by_key on resurfaced (key)`,
]
