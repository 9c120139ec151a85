// The members that each type of statement must have, and what binds them together.
import { isHash, isJsonObject, type Json, type JsonObject, parseTimestamp } from '#base'
import { hasExactly, isAscending, isBase64, isCount, isLogRow, isMemberId, isSlug, isText } from './fields.ts'
import { RECALL_REASONS } from './recall-reasons.ts'

type Check = (value: Json | undefined) => boolean

/** How long a snapshot is fresh, in ms. */
export const SNAPSHOT_FRESH_MS = 600_000

const isKey: Check = (value) => isBase64(value, 32)
const isMillisOrNull: Check = (value) => value === null || isCount(value)
const isOneOf =
  (...texts: readonly string[]): Check =>
  (value) =>
    texts.some((text) => text === value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const isModified: Check = (value) => typeof value === 'string' && parseTimestamp(value) !== undefined
const isCharterHashes: Check = (value) =>
  isJsonObject(value) && Object.entries(value).every(([alliance, hash]) => isSlug(alliance) && isHash(hash))
const isRows: Check = (value) =>
  Array.isArray(value) &&
  value.every(isLogRow) &&
  isAscending(
    value.map((row) => (row as JsonObject)['log']),
    isHash,
  )
const isRefusals: Check = (value) =>
  Array.isArray(value) &&
  value.every((item) => hasExactly(item, ['index', 'code']) && isText(item['code'])) &&
  isAscending(
    value.map((item) => (item as JsonObject)['index']),
    isCount,
  )
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText)

const TYPES: Record<string, Record<string, Check>> = {
  delegation: {
    member: isMemberId,
    key: isKey,
    purpose: isOneOf('node', 'seal', 'recipient'),
    from: isCount,
    until: isCount,
  },
  'delegation-end': {
    member: isMemberId,
    key: isKey,
    until: isCount,
    reason: isOneOf('compromised', 'lost', 'replaced'),
    time: isCount,
  },
  charter: {
    alliance: isSlug,
    version: isCount,
    previous: (value) => value === null || isHash(value),
    members: Array.isArray,
    rules: isJsonObject,
    time: isCount,
  },
  vote: { member: isMemberId, alliance: isSlug, charter: isHash, time: isCount },
  recall: {
    member: isMemberId,
    log: isHash,
    index: isCount,
    leaf: isHash,
    reason: isOneOf(...RECALL_REASONS, 'expired'),
    time: isCount,
  },
  'recall-ack': {
    member: isMemberId,
    log: isHash,
    index: isCount,
    leaf: isHash,
    withheld: isCount,
    purged: isMillisOrNull,
    time: isCount,
  },
  seal: { member: isMemberId, subject: isText, modified: isModified, hash: isHash, time: isCount },
  grant: {
    member: isMemberId,
    log: isHash,
    index: isCount,
    leaf: isHash,
    grantees: (value) => isAscending(value, isMemberId),
    from: isCount,
    until: isCount,
    time: isCount,
  },
  'drill-plan': {
    member: isMemberId,
    alliance: isSlug,
    drill: isText,
    from: isCount,
    until: isCount,
    participants: (value) => isAscending(value, isMemberId),
    scenario: isHash,
    time: isCount,
  },
  evidence: {
    member: isMemberId,
    drill: isText,
    kind: isText,
    data: (value) => value !== undefined && value !== null,
    time: isCount,
  },
  snapshot: {
    author: isMemberId,
    reader: isMemberId,
    sequence: isCount,
    time: isCount,
    expires: isCount,
    charters: isCharterHashes,
    logs: isRows,
    all: isHash,
    since: optional(isCount),
    removed: optional((value) => isAscending(value, isHash)),
    via: optional(isMemberId),
    more: optional((value) => value === true),
  },
  received: {
    member: isMemberId,
    log: isHash,
    from: isCount,
    size: isCount,
    root: isHash,
    possession: isHash,
    stubs: (value) => isAscending(value, isCount),
    time: isCount,
  },
  armed: { member: isMemberId, log: isHash, from: isCount, size: isCount, refused: isRefusals, time: isCount },
  heads: { member: isMemberId, reader: isMemberId, time: isCount, heads: isTexts },
}

/** Whether the members of that type of statement are known here. */
export function isStatementType(type: string): boolean {
  return Object.hasOwn(TYPES, type)
}

/** What is wrong with a statement of that type, in a sentence, or undefined. Unknown members are not looked at. */
export function statementFault(statement: Json, type: string): string | undefined {
  if (!isJsonObject(statement)) return 'The statement must be a JSON object'
  if (statement['type'] !== type) return `The statement is of type ${JSON.stringify(statement['type'])}, not ${type}`
  const checks = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (!checks) return `There is no statement of type ${JSON.stringify(type)}`
  for (const [name, check] of Object.entries(checks)) {
    const value = Object.hasOwn(statement, name) ? statement[name] : undefined
    if (!check(value)) return `The member ${name} of the ${type} statement is missing or has not the right form`
  }
  const relation = RELATIONS[type]?.(statement)
  return relation === undefined ? undefined : `In the ${type} statement, ${relation}`
}

type Numbers = Record<string, number>

const window = (statement: JsonObject) => {
  const { from, until } = statement as Numbers
  return (from ?? 0) < (until ?? 0) ? undefined : '`from` must be before `until`'
}

const range = (statement: JsonObject) => {
  const { from, size } = statement as Numbers
  return (from ?? 0) < (size ?? 0) ? undefined : '`from` must be below `size`'
}

const within = (statement: JsonObject, indexes: readonly number[], name: string) => {
  const { from = 0, size = 0 } = statement as Numbers
  return indexes.every((index) => index >= from && index < size) ? undefined : `\`${name}\` must lie in [from, size)`
}

const RELATIONS: Record<string, (statement: JsonObject) => string | undefined> = {
  delegation: window,
  grant: window,
  'drill-plan': window,
  charter: ({ version, previous }) => {
    if (version === 0) return 'versions begin at 1'
    return (version === 1) === (previous === null) ? undefined : 'version 1, and no other, has `previous` null'
  },
  snapshot: (statement) => {
    const { time = 0, expires = 0, sequence = 0, since } = statement as Numbers
    if (expires !== time + SNAPSHOT_FRESH_MS) return `\`expires\` must be \`time\` + ${SNAPSHOT_FRESH_MS}`
    if ((since === undefined) !== (statement['removed'] === undefined)) return '`since` and `removed` go together'
    return since === undefined || since < sequence ? undefined : '`since` must be below `sequence`'
  },
  received: (statement) => range(statement) ?? within(statement, statement['stubs'] as number[], 'stubs'),
  armed: (statement) =>
    range(statement) ??
    within(
      statement,
      (statement['refused'] as JsonObject[]).map((item) => item['index'] as number),
      'refused',
    ),
}
