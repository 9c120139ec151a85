// The statements at run time: text that was compiled from `definitions/` into `sqlite.json` by `generate.ts`. The query
// builder itself is never loaded: it would cost each thread some 20 MB.
import type * as fsckDefinitions from './definitions/fsck.ts'
import type * as readDefinitions from './definitions/read.ts'
import type * as writeDefinitions from './definitions/write.ts'
import texts from './sqlite.json' with { type: 'json' }
import { type StreamShape, streamName } from './stream-shape.ts'

export const read = texts.read as typeof readDefinitions
export const write = texts.write as typeof writeDefinitions
export const fsck = texts.fsck as typeof fsckDefinitions

const streams: Readonly<Record<string, string>> = texts.streams

/** Query of an object stream; parameters: the fixed columns, after, before, pattern types, limit. */
export function streamQuery(shape: StreamShape): string {
  const text = streams[streamName(shape)]
  if (text === undefined) throw new TypeError(`There is no query ${streamName(shape)}. Run src/store/sql/generate.ts`)
  return text
}
