import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  ExchangeError,
  type ImportFormat,
  INPUT_MAX_BYTES,
  readInput,
  type ReadOptions,
  type Understood,
} from '#exchange'
import { UsageError } from './command.ts'
import { readFeed, type FeedReading } from './import-feed.ts'
import { readBounded } from './input.ts'
import type { NodeClient } from './node-client.ts'
import type { Output } from './output.ts'

/** How the input of an import is to be read. */
export interface InputOptions {
  format: ImportFormat | 'auto'
  source?: string
  encoding?: string
  proposals?: boolean
  asTranslated: boolean
}

/** What was understood, and of a feed, which of its events. */
export interface ImportedInput extends Understood {
  feed?: FeedReading['feed']
}

/** Reads a file, stdin, or a feed, by its folder, its manifest or its address; the node tells which events of it it has. */
export async function readImport(
  file: string,
  options: InputOptions,
  findNode: (() => Promise<NodeClient>) | undefined,
  output: Output,
): Promise<ImportedInput> {
  const feed = await feedAt(file)
  const now = new Date().toISOString()
  const { asTranslated, format } = options
  const how = {
    format,
    now,
    asTranslated,
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
    ...(options.proposals ? { proposals: true } : {}),
  }
  try {
    if (feed !== undefined)
      return await readFeed(feed, { ...how, source: options.source ?? feed }, await findNode?.(), output)
    if (file === '-' && process.stdin.isTTY) output.note('Paste the text, and end it with Ctrl-D on a line of its own.')
    const source = options.source ?? (file === '-' ? 'stdin' : basename(file))
    return readInput(await readBounded(file, INPUT_MAX_BYTES), { ...how, source } satisfies ReadOptions)
  } catch (error) {
    if (error instanceof ExchangeError) throw new UsageError(`${file}: ${error.message}`)
    throw error
  }
}

/** Folder or address of the feed that an argument names; undefined for a file. */
async function feedAt(file: string): Promise<string | undefined> {
  if (/^https?:\/\//i.test(file)) return file.replace(/\/?(?:manifest\.json)?$/, '/')
  if (file === '-') return undefined
  const isFolder = await stat(file).then(
    (one) => one.isDirectory(),
    () => false,
  )
  if (isFolder) return file
  return basename(file) === 'manifest.json' ? file.slice(0, -'manifest.json'.length) || '.' : undefined
}
