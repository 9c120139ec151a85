/** Every parser that reads foreign bytes; a new one is an object in `targets/` and a line here. */
import type { Target } from './target.ts'
import { encodings, timestamp } from './targets/base.ts'
import { sigma, sigmaCondition, telemetry } from './targets/detect.ts'
import { anything, exportStix, misp, workbook } from './targets/exchange.ts'
import { mail, manifest, tables, texts } from './targets/exchange-text.ts'
import { json } from './targets/json.ts'
import { pattern, patternMatch } from './targets/pattern.ts'
import { config, decision, marking, scenario } from './targets/sharing.ts'
import { bundleReader, forms, rawObjects, validate } from './targets/stix.ts'
import { client, mediaType, query } from './targets/taxii.ts'
import { eventStream, frames, linkRequest, logEntry, note, statement, wireVector } from './targets/wire.ts'

/** All targets, in the order in which they run. */
export const TARGETS: readonly Target[] = [
  json,
  timestamp,
  encodings,
  bundleReader,
  rawObjects,
  validate,
  forms,
  pattern,
  patternMatch,
  logEntry,
  frames,
  note,
  statement,
  wireVector,
  linkRequest,
  eventStream,
  mediaType,
  query,
  client,
  misp,
  tables,
  texts,
  mail,
  manifest,
  workbook,
  anything,
  exportStix,
  telemetry,
  sigma,
  sigmaCondition,
  marking,
  decision,
  scenario,
  config,
]
