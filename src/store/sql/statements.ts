// The statements at run time: text that was compiled from `definitions/` into `sqlite.json` by `generate.ts`. The query
// builder itself is never loaded: it would cost each thread some 20 MB.
import type * as fsckDefinitions from './definitions/fsck.ts'
import type * as readDefinitions from './definitions/read.ts'
import type * as versionDefinitions from './definitions/versions.ts'
import type * as writeDefinitions from './definitions/write.ts'
import texts from './sqlite.json' with { type: 'json' }
import { type LateBy, lateName, type StreamShape, streamName, type Width } from './stream-shape.ts'
import { type VersionStream, versionStreamName } from './version-shape.ts'

export const read = texts.read as typeof readDefinitions
export const write = texts.write as typeof writeDefinitions
export const fsck = texts.fsck as typeof fsckDefinitions
export const versions = texts.versions as Omit<typeof versionDefinitions, 'versionStreamStatements'>

const streams: Readonly<Record<string, string>> = texts.streams

/** Query of an object stream; parameters: the fixed columns, after, before, pattern types, limit. */
export function streamQuery(shape: StreamShape): string {
  return textOf(streamName(shape))
}

/**
 * Query of a late stream; parameters: type if it has one, log, status, after, before, limit, all of sequence numbers
 * for what stands where it arrived. For what was moved they are keys, and the highest sequence number precedes the limit.
 */
export const lateQuery = (by: LateBy, width: Exclude<Width, 'wide'>): string => textOf(lateName(by, width))

/** Query of one row as bodies have it; parameter: the key. */
export const bodyQuery = (): string => textOf('body')

function textOf(name: string): string {
  const text = streams[name]
  if (text === undefined) throw new TypeError(`There is no query ${name}. Run src/store/sql/generate.ts`)
  return text
}

const versionStreams: Readonly<Record<string, string>> = texts.versionStreams

/** Query of a stream of versions; parameters: the fixed columns, after, before, limit. */
export function versionStreamQuery(by: VersionStream, newest: boolean): string {
  const text = versionStreams[versionStreamName(by, newest)]
  if (text === undefined) throw new TypeError(`There is no query of versions by ${by}. Run src/store/sql/generate.ts`)
  return text
}
