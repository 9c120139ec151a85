import {
  EncodingError,
  type Hash,
  isJsonObject,
  type Json,
  JsonError,
  type JsonObject,
  type MemberId,
  type Millis,
} from '#base'
import { LogError } from '../error.ts'
import { isCount, isMemberId } from '../fields.ts'
import { type Envelope, parseEnvelope } from '../statement.ts'
import { type CheckedAlliance, KeyBook, type Voted } from './key-book.ts'
import { type Finding, ProofFault } from './opened.ts'
import { examineProof, type Proof } from './proof.ts'

/** Name of the format. */
export const EVIDENCE_FORMAT = 'noroshi/evidence/v1'

/** A file that shows what a member did to whoever has no node: with the charters by which its keys are known. */
export interface EvidenceFile {
  format: typeof EVIDENCE_FORMAT
  /** Who is accused, by whom, when, and in what words: hearsay until the proof is examined. */
  accused: MemberId
  holder: MemberId
  found: Millis
  message: string
  charters: { charter: JsonObject; votes: Envelope[] }[]
  /** Delegations and ends that no charter lists. */
  keys?: Envelope[]
  proof: Proof
}

/** What a file comes to. */
export interface Verdict extends Finding {
  alliances: CheckedAlliance[]
  /** What in the file does not hold; then nothing is proved by it. */
  fault?: string
}

/** Whether a value says of itself that it is evidence. */
export const isEvidence = (value: unknown): value is JsonObject =>
  isJsonObject(value) && value['format'] === EVIDENCE_FORMAT

/**
 * Examines a file of evidence: never throws for what is in it, and never convicts by anything but signatures and hashes.
 * With `founding`, only keys of the alliance count whose first charter has that hash.
 */
export function examineEvidence(value: unknown, founding?: Hash): Verdict {
  const nothing = { isProved: false, shown: [], open: [], alliances: [] }
  try {
    if (!isEvidence(value)) throw new ProofFault(`The file is not of the format ${EVIDENCE_FORMAT}`)
    const { accused, charters, keys = [], proof } = value
    if (!isMemberId(accused)) throw new ProofFault('The file accuses nobody: it names no member id')
    if (!Array.isArray(charters) || !Array.isArray(keys) || !isJsonObject(proof))
      throw new ProofFault('The file lacks charters or a proof')
    const book = new KeyBook(
      charters.map(toVoted),
      keys.map((envelope) => parseEnvelope(envelope)),
      founding,
    )
    if (founding !== undefined && book.alliances.length === 0)
      throw new ProofFault(`The file holds no alliance that was founded by ${founding}`)
    if (!book.member(accused)) throw new ProofFault('The accused stands in no charter of the file')
    return { ...examineProof(proof as unknown as Proof, accused, book), alliances: book.alliances }
  } catch (cause) {
    return { ...nothing, fault: faultOf(cause) }
  }
}

/** A file of evidence, in the order in which people read it. */
export function toEvidenceFile(parts: Omit<EvidenceFile, 'format'>): EvidenceFile {
  const { accused, holder, found, message, proof, charters, keys } = parts
  if (!isCount(found)) throw new LogError('STATEMENT_INVALID', '`found` is no time')
  return {
    format: EVIDENCE_FORMAT,
    accused,
    holder,
    found,
    message,
    proof,
    charters,
    ...(keys && keys.length > 0 ? { keys } : {}),
  }
}

/** A charter and its votes out of JSON. */
export function toVoted(value: Json): Voted {
  if (!isJsonObject(value) || !Array.isArray(value['votes'])) throw new ProofFault('A charter comes without its votes')
  return { charter: value['charter'], votes: value['votes'] }
}

/** The fault in words; anything else than a fault of the file is thrown on. */
export function faultOf(cause: unknown): string {
  if (cause instanceof ProofFault || cause instanceof LogError) return cause.message
  if (cause instanceof EncodingError || cause instanceof JsonError) return cause.message
  throw cause
}
