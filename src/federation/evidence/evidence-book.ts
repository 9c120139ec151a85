import type { Json, LogId, MemberId, Millis } from '#base'
import { type EvidenceFile, examineEvidence, type Proof, toEvidenceFile, type Verdict } from '#log'
import type { Charters } from '../alliance/charters.ts'
import { EVIDENCE, type Context } from '../context.ts'
import type { CharterDirectory } from '../directory.ts'
import { FederationError } from '../error.ts'
import type { KeyStatements } from '../key-statements.ts'
import { proofsOf } from './proofs.ts'

/** One piece of evidence as it is listed. */
export interface EvidenceRow {
  /** Sequence in the journal; `-2` and so on where one alarm shows several members at fault. */
  id: string
  kind: string
  accused: MemberId
  found: Millis
  message: string
  log?: LogId
  /** Whether it convicts by itself, for somebody without a node. */
  proved: boolean
}

interface Kept {
  kind: string
  peer: MemberId
  message: string
  log?: LogId
  index?: number
  evidence: Json
}

interface Piece {
  id: string
  kept: Kept
  found: Millis
  accused: MemberId
  proof: Proof
}

/** What a node keeps against members, as files that whoever has no node can examine. @see docs/evidence.md */
export class EvidenceBook {
  readonly #context: Context
  readonly #directory: CharterDirectory
  readonly #charters: Charters
  readonly #keyStatements: KeyStatements

  constructor(context: Context, directory: CharterDirectory, charters: Charters, keyStatements: KeyStatements) {
    this.#context = context
    this.#directory = directory
    this.#charters = charters
    this.#keyStatements = keyStatements
  }

  /** Pieces after an id, oldest first. */
  async list({ after = 0, limit = 100 }: { after?: number; limit?: number } = {}): Promise<EvidenceRow[]> {
    const rows = await this.#context.store.journal(EVIDENCE, { after, limit })
    const pieces = rows.flatMap(({ sequence, time, value }) => piecesOf(sequence, time, value as unknown as Kept))
    return Promise.all(
      pieces.map(async (piece) => {
        const { id, kept, found, accused } = piece
        const proved = examineEvidence(await this.#file(piece)).isProved
        const { kind, message, log } = kept
        return { id, kind, accused, found, message, ...(log === undefined ? {} : { log }), proved }
      }),
    )
  }

  /** One piece as a file, and what it comes to. @throws FederationError EVIDENCE_UNKNOWN */
  async export(id: string): Promise<{ file: EvidenceFile; verdict: Verdict }> {
    const [sequence = 0] = id.split('-').map(Number)
    const rows = await this.#context.store.journal(EVIDENCE, { after: sequence - 1, limit: 1 })
    const row = rows.find((one) => one.sequence === sequence)
    const pieces = row ? piecesOf(sequence, row.time, row.value as unknown as Kept) : []
    const piece = pieces.find((one) => one.id === id)
    if (!piece) throw new FederationError('EVIDENCE_UNKNOWN', `There is no evidence ${id} at this node`)
    const file = await this.#file(piece)
    return { file, verdict: examineEvidence(file) }
  }

  /** Every charter in force, from version 1, with the keys that none lists yet: by these, statements can be examined. */
  async charters(): Promise<Pick<EvidenceFile, 'charters' | 'keys'>> {
    const alliances = this.#directory.charters().map(({ charter }) => charter.alliance)
    const chains = await Promise.all(alliances.map((alliance) => this.#charters.chain(alliance, 1, Infinity)))
    const keys = this.#directory.members().flatMap(({ id }) => this.#keyStatements.of(id))
    return { charters: chains.flat() as unknown as EvidenceFile['charters'], keys }
  }

  /** With the charters of every alliance that holder and accused share: a third party trusts one of them. */
  async #file({ kept, found, accused, proof }: Piece): Promise<EvidenceFile> {
    const { self } = this.#context
    const alliances = this.#directory.member(accused)?.alliances ?? []
    const chains = await Promise.all(alliances.map((alliance) => this.#charters.chain(alliance, 1, Infinity)))
    return toEvidenceFile({
      accused,
      holder: self.member,
      found,
      message: kept.message,
      proof,
      charters: chains.flat() as unknown as EvidenceFile['charters'],
      keys: this.#keyStatements.of(accused),
    })
  }
}

function piecesOf(sequence: number, found: Millis, kept: Kept): Piece[] {
  return proofsOf(kept.evidence, kept.peer).map(({ accused, proof }, at) => ({
    id: at === 0 ? String(sequence) : `${sequence}-${at + 1}`,
    kept,
    found,
    accused: accused as MemberId,
    proof,
  }))
}
