/**
 * Every signed thing in a file, wherever it stands, and whether its signature holds: statements (receipts,
 * acknowledgements, snapshots, the rows of a drill's report) and checkpoints, under the keys that charters in the file give.
 */
import { fromBase64, type Hash, isJsonObject, type Json, type KeyId, type MemberId, type Millis } from '#base'
import { openCheckpoint, peekCheckpoint } from '../checkpoint.ts'
import { LogError } from '../error.ts'
import { isBase64, isCount, isMemberId } from '../fields.ts'
import { keyIdOf } from '../keys.ts'
import { type Envelope, parseEnvelope, verifyStatement } from '../statement.ts'
import { faultOf, toVoted } from './evidence-file.ts'
import { type CheckedAlliance, KeyBook, type Voted } from './key-book.ts'

/** One signed thing. */
export interface SignedThing {
  /** Where it stands in the file. */
  path: string
  type: string
  /** Whose it says it is. */
  member?: MemberId
  name?: string
  time?: Millis
  /** holds: signed by a key of that member; fails: it is not; unknown: the file does not say whose key it is. */
  result: 'holds' | 'fails' | 'unknown'
  /** Who vouches for the key: charters, or only the file's own list of members. */
  by?: 'charter' | 'list'
  why?: string
}

/** What a file comes to. */
export interface Examined {
  things: SignedThing[]
  alliances: CheckedAlliance[]
  /** Why the charters in the file do not count, where they don't. */
  fault?: string
}

const ROOT_TYPES = new Set(['vote', 'delegation', 'delegation-end'])
const SEAL_TYPES = new Set(['seal', 'grant', 'drill-plan'])

interface Found {
  charters: Json[]
  keys: Envelope[]
  listed: Map<MemberId, Uint8Array[]>
  signed: { path: string; value: Json }[]
}

/** Examines everything that is signed in a value, by the charters in it and in `more`. */
export function examineSigned(value: Json, more: readonly Json[] = [], founding?: Hash): Examined {
  const found: Found = { charters: [], keys: [], listed: new Map(), signed: [] }
  for (const other of more) gather(other, '', { ...found, signed: [] })
  gather(value, '', found)
  let book = new KeyBook([])
  let fault: string | undefined
  try {
    book = new KeyBook(distinct(found.charters), found.keys, founding)
    if (founding !== undefined && book.alliances.length === 0)
      fault = `The file holds no alliance that was founded by ${founding}`
  } catch (cause) {
    fault = faultOf(cause)
  }
  const things = found.signed.map(({ path, value: one }) =>
    typeof one === 'string' ? examineNote(path, one, book, found) : examineEnvelope(path, one, book, found),
  )
  return { things, alliances: book.alliances, ...(fault === undefined ? {} : { fault }) }
}

function gather(value: Json, path: string, found: Found): void {
  if (typeof value === 'string') {
    if (value.startsWith('noroshi/v1/')) found.signed.push({ path, value })
  } else if (Array.isArray(value)) {
    for (const [at, one] of value.entries()) gather(one, `${path}[${at}]`, found)
  } else if (isJsonObject(value)) {
    if (isJsonObject(value['charter']) && Array.isArray(value['votes'])) {
      found.charters.push(value)
      return
    }
    if (isJsonObject(value['statement']) && Array.isArray(value['signatures'])) {
      found.signed.push({ path, value })
      const { type } = value['statement']
      if (type === 'delegation' || type === 'delegation-end') found.keys.push(value as unknown as Envelope)
      return
    }
    const { member, key64 } = value
    if (isMemberId(member) && isBase64(key64, 32))
      found.listed.set(member, [...(found.listed.get(member) ?? []), fromBase64(key64, 32)])
    for (const [name, one] of Object.entries(value)) gather(one, path === '' ? name : `${path}.${name}`, found)
  }
}

function examineEnvelope(path: string, value: Json, book: KeyBook, { listed }: Found): SignedThing {
  let envelope: Envelope
  try {
    envelope = parseEnvelope(value)
  } catch (cause) {
    return { path, type: 'statement', result: 'fails', why: faultOf(cause) }
  }
  const { statement } = envelope
  const type = String(statement['type'])
  const member = isMemberId(statement['member']) ? statement['member'] : statement['author']
  const at = statement['time'] ?? statement['from']
  if (!isMemberId(member) || !isCount(at))
    return { path, type, result: 'unknown', why: 'It says not whose it is, or when' }
  const thing = { path, type, member, name: book.nameOf(member), time: at }
  const purpose = SEAL_TYPES.has(type) ? 'seal' : 'node'
  const chartered = ROOT_TYPES.has(type) ? book.roots(member) : book.keys(member, purpose, at).map(({ key }) => key)
  return outcome(
    thing,
    envelope.signatures.map(({ key }) => key),
    chartered,
    listed.get(member) ?? [],
    (keys) => void verifyStatement(envelope, type, keys),
  )
}

function examineNote(path: string, note: string, book: KeyBook, { listed }: Found): SignedThing {
  const type = 'checkpoint'
  let time: Millis
  try {
    time = peekCheckpoint(note).time
  } catch (cause) {
    return { path, type, result: 'fails', why: faultOf(cause) }
  }
  const member = SIGNER.exec(note)?.[1] as MemberId | undefined
  if (member === undefined) return { path, type, time, result: 'fails', why: 'It carries no signature of a member' }
  const thing = { path, type, member, name: book.nameOf(member), time }
  const chartered = book.keys(member, 'node', time).map(({ key }) => key)
  return outcome(thing, undefined, chartered, listed.get(member) ?? [], (keys) => {
    let last: unknown = new LogError('SIGNATURE_INVALID', 'No key of its member signed it')
    for (const publicKey of keys) {
      try {
        openCheckpoint(note, { name: member, publicKey })
        return
      } catch (cause) {
        last = cause
      }
    }
    throw last
  })
}

/** Under charters' keys where there are any; else under those of the file's list, which nobody vouches for. */
function outcome(
  thing: Omit<SignedThing, 'result'>,
  signers: readonly KeyId[] | undefined,
  chartered: readonly Uint8Array[],
  listed: readonly Uint8Array[],
  verify: (keys: readonly Uint8Array[]) => void,
): SignedThing {
  const by = chartered.length > 0 ? 'charter' : 'list'
  const keys = by === 'charter' ? chartered : listed
  if (keys.length === 0)
    return { ...thing, result: 'unknown', why: 'The file does not say which keys that member had at that time' }
  if (signers?.length === 0) return { ...thing, result: 'fails', why: 'It carries no signature' }
  try {
    verify(keys)
    return { ...thing, result: 'holds', by }
  } catch (cause) {
    const ids = keys.map((key) => keyIdOf(key).slice(0, 12)).join(', ')
    return { ...thing, result: 'fails', why: `${faultOf(cause)} (keys at that time: ${ids})` }
  }
}

/** The same charter may stand in a file several times. */
function distinct(charters: readonly Json[]): Voted[] {
  const known = new Map(charters.map((one) => [JSON.stringify(isJsonObject(one) ? one['charter'] : one), one]))
  return [...known.values()].map(toVoted)
}

const SIGNER = /\n— (identity--[0-9a-f-]{36}) /
