/**
 * Checkpoints (C2SP tlog-checkpoint): an author's signature over size and root of a log.
 *
 *     noroshi/v1/<log id>
 *     8
 *     O4WpYmwcy2TGuV7H+mSIje/izxLjnnfhCBLOX8uctY4=
 *     time 1767225600008
 *     charter pacific 22ca1fc1…
 *
 *     — identity--b5d57dc4-… <base64>
 * @see docs/wire.md, Checkpoint
 */
import { fromHex, fromBase64, type Hash, isHash, type LogId, type Millis, toBase64, toHex } from '#base'
import { LogError } from './error.ts'
import { isAscending, isCount, isSlug } from './fields.ts'
import type { Signer } from './keys.ts'
import { type NoteVerifier, openNote, signNote } from './note.ts'

/** Size and root of a log at a time, under the charters of that time. */
export interface Checkpoint {
  log: LogId
  /** At least 1. */
  size: number
  root: Hash
  time: Millis
  /** Ascending by alliance, each once. */
  charters: (readonly [alliance: string, hash: Hash])[]
}

const ORIGIN = 'noroshi/v1/'
const SIZE = /^[1-9]\d{0,15}$/
const TIME = /^time (0|[1-9]\d{0,15})$/
const CHARTER = /^charter (\S+) ([0-9a-f]{64})$/

/**
 * The signed note of a checkpoint, under the member's id.
 * @throws LogError CHECKPOINT_INVALID, NOTE_INVALID
 */
export function signCheckpoint(checkpoint: Checkpoint, name: string, signer: Signer): string {
  requireCheckpoint(checkpoint)
  const { log, size, root, time, charters } = checkpoint
  const lines = [`${ORIGIN}${log}`, String(size), toBase64(fromHex(root)), `time ${time}`]
  for (const [alliance, hash] of charters) lines.push(`charter ${alliance} ${hash}`)
  return signNote(`${lines.join('\n')}\n`, name, signer)
}

/**
 * The checkpoint of a note that is signed under the member's id by that key.
 * @throws LogError CHECKPOINT_INVALID, NOTE_INVALID, KEY_INVALID
 */
export function openCheckpoint(note: string, verifier: NoteVerifier): Checkpoint {
  return readCheckpoint(openNote(note, verifier))
}

/**
 * The checkpoint that a note claims, its signature unchecked: to see which log, and so whose key, it is about.
 * @throws LogError CHECKPOINT_INVALID
 */
export function peekCheckpoint(note: string): Checkpoint {
  const split = note.lastIndexOf('\n\n')
  return readCheckpoint(note.slice(0, split + 1))
}

/**
 * Checks that one checkpoint of a log may follow another: neither size nor time decreases, and an equal size repeats
 * the root. That the tree only grew is for a consistency proof to show.
 * @throws LogError CHECKPOINT_INVALID
 */
export function checkSuccessor(previous: Checkpoint, next: Checkpoint): void {
  if (next.log !== previous.log) throw invalid('is of another log')
  if (next.size < previous.size) throw invalid(`has size ${next.size} after ${previous.size}: a rollback`)
  if (next.time < previous.time) throw invalid(`has time ${next.time} after ${previous.time}`)
  if (next.size === previous.size && next.root !== previous.root)
    throw invalid(`has another root for size ${next.size}: an equivocation`)
}

function readCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', time = '', ...rest] = text.split('\n')
  if (rest.pop() !== '') throw invalid('does not end in a newline')
  if (!origin.startsWith(ORIGIN)) throw invalid(`does not begin with ${ORIGIN}`)
  if (!SIZE.test(size)) throw invalid('has no decimal size of at least 1')
  const charters = rest.map((line) => {
    const [, alliance, hash] = CHARTER.exec(line) ?? []
    if (alliance === undefined) throw invalid('has a line that is no charter line')
    return [alliance, hash as Hash] as const
  })
  const checkpoint = {
    log: origin.slice(ORIGIN.length) as LogId,
    size: Number(size),
    root: rootOf(root),
    time: Number(TIME.exec(time)?.[1] ?? -1),
    charters,
  }
  requireCheckpoint(checkpoint)
  return checkpoint
}

function rootOf(text: string): Hash {
  try {
    return toHex(fromBase64(text, 32)) as Hash
  } catch (cause) {
    throw new LogError('CHECKPOINT_INVALID', 'The checkpoint has no root of 32 bytes in base64', { cause })
  }
}

function requireCheckpoint(checkpoint: Checkpoint): void {
  const { log, size, root, time, charters } = checkpoint
  if (!isHash(log)) throw invalid('names no log id')
  if (!isCount(size) || size < 1) throw invalid('has a size below 1 or beyond 2^53 − 1')
  if (!isHash(root)) throw invalid('has no root')
  if (!isCount(time)) throw invalid('has no line `time <ms>` after the root')
  if (
    !isAscending(
      charters.map(([alliance]) => alliance),
      isSlug,
    ) ||
    !charters.every(([, hash]) => isHash(hash))
  )
    throw invalid('has charter lines that do not ascend by alliance, or not the right form')
}

const invalid = (what: string) => new LogError('CHECKPOINT_INVALID', `The checkpoint ${what}`)
