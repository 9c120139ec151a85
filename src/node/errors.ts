import { NoroshiError } from '#base'

/**
 * Every error a node or its command line reports by itself: code → HTTP status and what the operator does next.
 *
 * The one table: problem details, `docs/errors.md` and its test are read from here.
 */
export const ERRORS = {
  AIR_GAP_NO_KEY: [
    409,
    'A node from before air-gap files makes its recipient key with noroshi air-gap key; members learn of it by link, or by a file of that node.',
  ],
  AIR_GAP_REFUSED: [
    409,
    'The message says what does not hold; what was verified before it is kept. Ask its author for a new file, with --all where one is missing.',
  ],
  ALLIANCE_REFUSED: [409, 'The alliance operation does not fit the charter in force; the message names the rule.'],
  BACKUP_BROKEN: [400, 'Take another backup file; this one is cut off, damaged, or none of Noroshi’s.'],
  BACKUP_EXISTS: [409, 'Name another file with --out, or move the old backup away.'],
  BACKUP_KEYS: [400, 'Give --keys FOLDER with the node’s keys, or restore a backup that was made with --with-keys.'],
  BACKUP_NEWER: [409, 'Install that version of Noroshi, or a newer one, and restore with it.'],
  BODY_TOO_LARGE: [413, 'Send fewer objects per request, or raise the limit in noroshi.json under "limits".'],
  CURSOR_INVALID: [400, 'Start the listing again without a cursor; cursors end with the token they were given to.'],
  DATA_DIR_EXISTS: [409, 'Choose another --dir, or use the node that is already there.'],
  DATA_DIR_FOREIGN: [
    409,
    'The folder holds other files; choose an empty or a new one, or the folder `noroshi init` made.',
  ],
  DATA_DIR_LOCKED: [409, 'Another process runs this node; stop it first, or name another --dir.'],
  DATA_DIR_MISSING: [
    404,
    'Create the node first: noroshi init --dir DIR --slug SLUG --name NAME --nation CC --kind KIND.',
  ],
  DATA_NEWER: [
    409,
    'Install that version of Noroshi, or a newer one. To go back, stop, put the snapshot that the upgrade left (noroshi.db.v*.bak) in the place of noroshi.db, without its -wal, and start the older version.',
  ],
  DEMO_KEYS: [409, 'Keys of a rehearsal are public knowledge; create a node with keys of its own: noroshi init.'],
  DISK_FULL: [
    507,
    'Free space on the data directory’s disk, and repeat: what was acknowledged is kept, and nothing is published twice.',
  ],
  FORBIDDEN: [403, 'The token’s scope does not allow this; ask the node’s operator for another one.'],
  GRANT_REFUSED: [
    409,
    'The message names whom the sharing rules refuse it to, and why: leave that one out, or publish a version whose marking allows it.',
  ],
  INPUT_INVALID: [400, 'Correct the named field; /api/v1/openapi.json describes each request.'],
  INTERNAL: [500, 'Look up the time of the failure in the node’s log.'],
  INVITATION_REFUSED: [
    409,
    'Ask the inviter for a new invitation (noroshi alliance invite ALLIANCE), and paste it whole: it is good for one member, once, until its time is over.',
  ],
  JSON_INVALID: [400, 'Correct the JSON at the named place.'],
  KEY_UNREADABLE: [500, 'Restore the keys folder from its backup.'],
  LINK_REFUSED: [409, 'Check the peer’s address and that both nodes stand in one charter.'],
  NODE_UNREACHABLE: [502, 'Start the node with noroshi serve, or name it with --dir or --url.'],
  NOT_FOUND: [404, 'Check the name; what the token may not read is answered in the same way.'],
  NOT_READY: [503, 'Wait until /readyz answers 200.'],
  PASSPHRASE_MISSING: [400, 'Set NOROSHI_PASSPHRASE, or run the command in a terminal to be asked.'],
  PASSPHRASE_WRONG: [
    403,
    'Enter the passphrase that was chosen at noroshi init; without it the root key stays sealed.',
  ],
  PORT_IN_USE: [409, 'Stop the other process, or choose another --port.'],
  RATE_LIMITED: [429, 'Wait for the time that Retry-After names.'],
  REHEARSAL_FAILED: [500, 'Look into node.log in the named folder; a rehearsal can be started again at once.'],
  STORE_FAILED: [500, 'Run noroshi fsck; the message names the log and the entry.'],
  TLS_REQUIRED: [
    400,
    'Give --tls-cert and --tls-key, or --behind-proxy if a proxy ends TLS on this machine’s network.',
  ],
  UNAUTHENTICATED: [401, 'Send a valid token as "Authorization: Bearer …"; noroshi token create makes one.'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Send JSON, or newline-delimited JSON where the request allows it.'],
  USAGE: [400, 'See --help of the command.'],
  WEB_BUILD_FAILED: [500, 'Run npm ci again; the message is what the build said.'],
} as const satisfies Record<string, readonly [status: number, next: string]>

/** Codes of everything a node or the command line refuses by itself. */
export type NodeErrorCode = keyof typeof ERRORS

/** An error with a row in the table above. */
export class NodeError extends NoroshiError<NodeErrorCode> {}

/**
 * The table's row for any thrown value: errors of the other parts are read by their code, unknown ones are INTERNAL.
 *
 * `expose` tells whether the message may go to the caller: it may for errors that describe the caller's own input.
 */
export function toNodeError(error: unknown): {
  code: NodeErrorCode
  partCode?: string
  message: string
  expose: boolean
} {
  if (error instanceof NodeError)
    return { code: error.code, message: error.message, expose: ERRORS[error.code][0] !== 500 }
  const fallen = error as {
    code?: unknown
    message?: unknown
    statusCode?: unknown
    validation?: unknown
    errcode?: unknown
  }
  const code = typeof fallen?.code === 'string' ? fallen.code : ''
  const message = typeof fallen?.message === 'string' ? fallen.message : String(error)
  if (isDiskFull(error))
    return { code: 'DISK_FULL', message: 'The disk of the data directory takes no more.', expose: true }
  if (fallen?.validation) return { code: 'INPUT_INVALID', message, expose: true }
  const byFastify = FASTIFY_CODES[code]
  if (byFastify) return { code: byFastify, message, expose: true }
  if (error instanceof NoroshiError) {
    const family = PART_CODES.find(([pattern]) => pattern.test(`${error.name} ${code}`))
    if (family) return { code: family[1], partCode: code, message, expose: ERRORS[family[1]][0] !== 500 }
  }
  return { code: 'INTERNAL', message, expose: false }
}

/** Whether a thrown value, or what caused it, is a disk that takes no more. */
export function isDiskFull(error: unknown): boolean {
  let at = error as { code?: unknown; errcode?: unknown; details?: { sqlite?: unknown }; cause?: unknown } | undefined
  for (let depth = 0; at && depth < CAUSES_READ; depth++) {
    if (DISK_FULL_CODES.has(at.code) || SQLITE_FULL.has(at.errcode) || SQLITE_FULL.has(at.details?.sqlite)) return true
    at = at.cause as typeof at
  }
  return false
}

const CAUSES_READ = 8
const DISK_FULL_CODES = new Set<unknown>(['ENOSPC', 'EFBIG', 'EDQUOT', 'STORE_DISK_FULL'])
/** SQLITE_FULL, and SQLITE_IOERR_WRITE, which a limit on the size of files becomes. */
const SQLITE_FULL = new Set<unknown>([13, 778])

const FASTIFY_CODES: Readonly<Record<string, NodeErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'JSON_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'JSON_INVALID',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INPUT_INVALID',
  FST_ERR_BAD_URL: 'INPUT_INVALID',
  FST_ERR_MAX_PARAM_LENGTH_EXCEEDED: 'INPUT_INVALID',
  EADDRINUSE: 'PORT_IN_USE',
}

/** Errors of the other parts, by class name and code. */
const PART_CODES: readonly (readonly [RegExp, NodeErrorCode])[] = [
  [/^DrillError SCENARIO_/, 'INPUT_INVALID'],
  [/^DrillError DRILL_/, 'REHEARSAL_FAILED'],
  [/ JSON_TOO_(LARGE|LONG|BIG)/, 'BODY_TOO_LARGE'],
  [/ JSON_/, 'JSON_INVALID'],
  [/ STIX_STREAM_/, 'JSON_INVALID'],
  [/ RECALL_/, 'INPUT_INVALID'],
  [/ RESTORE_ASKING/, 'NOT_READY'],
  [/^EncodingError/, 'INPUT_INVALID'],
  [/ (CHARTER|DELEGATION)_INVALID/, 'ALLIANCE_REFUSED'],
  [/ EVIDENCE_UNKNOWN/, 'NOT_FOUND'],
  [/ AIR_GAP_NO_KEY/, 'AIR_GAP_NO_KEY'],
  [/ AIR_GAP_/, 'AIR_GAP_REFUSED'],
  [/ STORE_DISK_FULL/, 'DISK_FULL'],
  [/ STORE_LOCKED/, 'DATA_DIR_LOCKED'],
  [/ STORE_NEWER/, 'DATA_NEWER'],
  [/ STORE_FOREIGN/, 'DATA_DIR_FOREIGN'],
  [/ STORE_BAD_CURSOR/, 'CURSOR_INVALID'],
  [/ STORE_(BUSY|CLOSED)/, 'NOT_READY'],
  [/^StoreError/, 'STORE_FAILED'],
  [/^PolicyError/, 'INPUT_INVALID'],
  [/^ExchangeError EXCHANGE_TOO_LARGE/, 'BODY_TOO_LARGE'],
  [/^(Stix|Pattern|Sigma|Detect|Exchange)\w*Error/, 'INPUT_INVALID'],
  [/ INVITATION_/, 'INVITATION_REFUSED'],
  [/^(Federation|Alliance|Charter)\w*Error .*LINK/, 'LINK_REFUSED'],
  [/^(Federation|Alliance|Charter)\w*Error/, 'ALLIANCE_REFUSED'],
]
