import type { Register } from './command.ts'

/** One command: its name, one line about it, and the file that runs it, loaded when it is asked for. */
export interface CommandEntry {
  name: string
  summary: string
  load(): Promise<{ register: Register }>
}

/** All commands, in the order of the help page; a new one is a file in `commands/` and a line here. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'rehearse',
    summary: 'four nations, two alliances, one drill on this machine',
    load: () => import('./commands/rehearse.ts'),
  },
  {
    name: 'init',
    summary: 'create the data directory and the keys of a node',
    load: () => import('./commands/init.ts'),
  },
  { name: 'serve', summary: 'run a node', load: () => import('./commands/serve.ts') },
  { name: 'status', summary: 'look at a running node', load: () => import('./commands/status.ts') },
  { name: 'publish', summary: 'publish STIX objects', load: () => import('./commands/publish.ts') },
  {
    name: 'import',
    summary: 'publish MISP events, tables, reports and texts',
    load: () => import('./commands/import.ts'),
  },
  {
    name: 'export',
    summary: 'write what a node holds as MISP, CSV, STIX or text',
    load: () => import('./commands/export.ts'),
  },
  {
    name: 'objects',
    summary: 'objects that a node holds: versions, publishers, conflicts',
    load: () => import('./commands/objects.ts'),
  },
  {
    name: 'submit',
    summary: 'submit objects in confidence to the member that serves this client',
    load: () => import('./commands/submission-send.ts'),
  },
  {
    name: 'submission',
    summary: 'follow a submission; review, scrub and publish those of clients',
    load: () => import('./commands/submission.ts'),
  },
  {
    name: 'grant',
    summary: 'give an own object to organisations that its marking leaves out',
    load: () => import('./commands/grant.ts'),
  },
  { name: 'recall', summary: 'take back a published object', load: () => import('./commands/recall.ts') },
  { name: 'tasks', summary: 'what waits for a person', load: () => import('./commands/tasks.ts') },
  { name: 'quota', summary: 'what each author may bring to this node', load: () => import('./commands/quota.ts') },
  { name: 'who', summary: 'who holds an object of this node', load: () => import('./commands/who.ts') },
  {
    name: 'evidence',
    summary: 'what a node keeps against members that broke their word',
    load: () => import('./commands/evidence.ts'),
  },
  {
    name: 'verify',
    summary: 'examine evidence, receipts, reports and charters without a node',
    load: () => import('./commands/verify.ts'),
  },
  { name: 'watch', summary: 'match telemetry on a running node', load: () => import('./commands/watch.ts') },
  {
    name: 'alliance',
    summary: 'found an alliance, invite, join, approve, list members',
    load: () => import('./commands/alliance.ts'),
  },
  { name: 'link', summary: 'addresses of peers', load: () => import('./commands/link.ts') },
  {
    name: 'air-gap',
    summary: 'the key to which files for a node are encrypted',
    load: () => import('./commands/air-gap.ts'),
  },
  { name: 'token', summary: 'access of clients and machines', load: () => import('./commands/token.ts') },
  {
    name: 'taxii',
    summary: 'TAXII 2.1: collections that take submissions, pull, push',
    load: () => import('./commands/taxii.ts'),
  },
  { name: 'drill', summary: 'run a scenario, list and read drills', load: () => import('./commands/drill.ts') },
  { name: 'validate', summary: 'check STIX objects and bundles', load: () => import('./commands/validate.ts') },
  {
    name: 'pattern',
    summary: 'check STIX patterns, match them with observations',
    load: () => import('./commands/pattern.ts'),
  },
  { name: 'sigma', summary: 'match a Sigma rule with events', load: () => import('./commands/sigma.ts') },
  { name: 'match', summary: 'detection without a node', load: () => import('./commands/match.ts') },
  { name: 'decide', summary: 'answer policy vectors', load: () => import('./commands/decide.ts') },
  { name: 'wire', summary: 'answer vectors of the wire format', load: () => import('./commands/wire.ts') },
  {
    name: 'doctor',
    summary: 'look at what a node stands on, and say what to do',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'retention',
    summary: 'how long own objects are kept, by level',
    load: () => import('./commands/retention.ts'),
  },
  { name: 'backup', summary: 'copy a node into one file', load: () => import('./commands/backup.ts') },
  {
    name: 'restore',
    summary: 'make a data directory of a backup',
    load: () => import('./commands/restore.ts'),
  },
  { name: 'fsck', summary: 'verify everything on disk', load: () => import('./commands/fsck.ts') },
]
