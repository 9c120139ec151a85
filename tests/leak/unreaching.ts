// Routes and commands that no way out covers, each with the reason why nothing that is withheld can come out of it.

/** `METHOD route` as the server lists it. */
export const UNREACHING_ROUTES: Readonly<Record<string, string>> = {
  'GET /api/v1/openapi.json': 'the same text on every node',
  'POST /api/v1/grants': 'operator: grants an object, which the ways out are then asked for by the grantee',
  'POST /api/v1/grants/:id/end': 'operator: ends a grant',
  'POST /api/v1/exports': 'a note of an export that was made; the answer is the same whatever it says',
  'POST /api/v1/alliances': 'operator: founds an alliance',
  'POST /api/v1/alliances/join': 'operator: asks to join',
  'POST /api/v1/alliances/bootstrap': 'operator: installs charters',
  'POST /api/v1/alliances/:slug/invitations': 'operator: an invitation holds no object',
  'POST /api/v1/alliances/:slug/approve': 'operator: votes',
  'POST /api/v1/alliances/:slug/amendments': 'operator: proposes',
  'POST /api/v1/alliances/:slug/settle': 'operator: settles a fork',
  'POST /api/v1/air-gap/written': 'operator: moves a counter',
  'POST /api/v1/air-gap/key': 'operator: tells of a key',
  'POST /api/v1/air-gap/imports': 'operator: a way in; the answer names a job',
  'POST /api/v1/retention': 'operator: sets a rule',
  'POST /api/v1/tokens': 'operator: makes a token, which a way out is then asked with',
  'DELETE /api/v1/tokens/:id': 'operator: ends a token',
  'POST /api/v1/taxii/collections': 'operator: makes a collection',
  'POST /api/v1/taxii/collections/:name/grants': 'operator: sets a grant, which the TAXII ways out are then asked with',
  'POST /api/v1/taxii/quarantine/:key': 'operator: ends what waits',
  'POST /api/v1/taxii/sources': 'operator: a way in',
  'PATCH /api/v1/taxii/sources/:name': 'operator: a way in',
  'DELETE /api/v1/taxii/sources/:name': 'operator: a way in',
  'POST /api/v1/taxii/sources/:name/run': 'operator: a way in',
  'POST /api/v1/links': 'operator: adds an address',
  'DELETE /api/v1/links/:member': 'operator: ends an address',
  'PUT /api/v1/drills/:id': 'operator: a way in',
  'POST /api/v1/keys': 'operator: changes a key',
  'PUT /api/v1/submissions/:id/edits': 'operator: edits of a reviewer',
  'POST /api/v1/submissions/:id/preview': 'operator: shown to the reviewer alone',
  'POST /api/v1/submissions/:id/accept': 'operator: publishes, through the one release',
  'POST /api/v1/submissions/:id/decline': 'operator: ends a case',
}

/** Beginnings of routes that only the operator reaches: every one is asked for with a reader's token, and refused. */
export const OPERATOR_ROUTES: readonly string[] = [
  '/api/v1/grants',
  '/api/v1/tasks',
  '/api/v1/quotas',
  '/api/v1/authors',
  '/api/v1/evidence',
  '/api/v1/drills',
  '/api/v1/alliances/',
  '/api/v1/receipts',
  '/api/v1/root',
  '/api/v1/profile',
]

/** Commands of the command line, by name. */
export const UNREACHING_COMMANDS: Readonly<Record<string, string>> = {
  init: 'makes a data directory',
  validate: 'reads files, asks no node',
  pattern: 'reads files, asks no node',
  decide: 'reads files, asks no node',
  sigma: 'reads files, asks no node',
  wire: 'reads files, asks no node',
  match: 'reads files, asks no node',
  rehearse: 'runs nodes of its own with public keys',
  restore: 'makes a data directory of a backup',
  fsck: 'counts and places of faults, in the data directory that its operator owns',
  store: 'copies the data directory that its operator owns',
  grant: 'operator: gives an object; whom it reaches is asked by the ways out',
  disarm: 'operator: takes detection back',
}
