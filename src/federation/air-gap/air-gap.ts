import type { Chunks } from './age.ts'
import { type AirGapImport, AirGapReader, type ReaderParts } from './reader.ts'
import { type AirGapExport, AirGapWriter, type WriterParts } from './writer.ts'

export type { AirGapImport } from './reader.ts'
export type { AirGapExport } from './writer.ts'

/** Files that carry logs, charters and receipts between nodes that no link joins. @see docs/wire.md, Air-gap file */
export class AirGap {
  readonly #writer: AirGapWriter
  readonly #reader: AirGapReader

  constructor(parts: WriterParts & ReaderParts) {
    this.#writer = new AirGapWriter(parts)
    this.#reader = new AirGapReader(parts)
  }

  /**
   * A file for one member: what it may mirror, from where the last file to it ended; all of it where `all` is set.
   * @throws FederationError LINK_UNKNOWN_MEMBER, AIR_GAP_NO_KEY
   */
  open(reader: string, options?: { all?: boolean }): Promise<AirGapExport> {
    return this.#writer.open(reader, options)
  }

  /** The file of that sequence is on disk. @throws FederationError LINK_UNKNOWN_MEMBER, AIR_GAP_STALE */
  written(reader: string, sequence: number): Promise<void> {
    return this.#writer.written(reader, sequence)
  }

  /**
   * Takes a file in; `identities` are the node's recipient keys as age writes them.
   * @throws FederationError AIR_GAP_FOREIGN, AIR_GAP_BROKEN, AIR_GAP_AUTHOR, AIR_GAP_READER, AIR_GAP_REPLAYED,
   * AIR_GAP_CHARTER, AIR_GAP_REFUSED; LogError where something has not its form or its signature
   */
  read(identities: readonly string[], file: Chunks, progress?: (entries: number) => void): Promise<AirGapImport> {
    return this.#reader.read(identities, file, progress)
  }
}
