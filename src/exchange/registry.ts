import type { ExportFormat, ImportFormat, Reader, Writer } from './format.ts'
import { csv } from './formats/csv.ts'
import { misp } from './formats/misp.ts'
import { shadowserver } from './formats/shadowserver.ts'
import { text } from './formats/text.ts'
import { xlsx } from './formats/xlsx.ts'
import { writeCsv } from './formats/csv-writer.ts'
import { writeMisp } from './formats/misp-writer.ts'
import { writeStix } from './formats/stix-writer.ts'
import { writeText } from './formats/text-writer.ts'
import { writeXlsx } from './formats/xlsx-writer.ts'

/** Readers in the order in which they are asked whether an input is theirs; text, which takes everything, comes last. */
export const READERS: readonly Reader[] = [misp, xlsx, shadowserver, csv, text]

/** Writers by name. */
export const WRITERS: readonly Writer[] = [writeMisp, writeCsv, writeXlsx, writeStix, writeText]

/** Names of the formats that can be read. */
export const IMPORT_FORMATS: readonly ImportFormat[] = READERS.map(({ name }) => name)

/** Names of the formats that can be written. */
export const EXPORT_FORMATS: readonly ExportFormat[] = WRITERS.map(({ name }) => name)
