/**
 * A STIX bundle of objects with their authors' bytes: neither spaces nor the order of members nor the form of a number
 * changes. The bundle around them is the export's own: it is a container and no object, so a node keeps none.
 * @see STIX 2.1 section 8; docs/exchange.md
 */
import { open, rename, rm } from 'node:fs/promises'
import { type JsonObject, sha256, timestampKey, toHex, utf8 } from '#base'
import { BundleReader } from '#stix'
import { UsageError } from './command.ts'
import { openInput } from './input.ts'
import type { NodeClient } from './node-client.ts'
import { barePages, type Listed, type ObjectsAsked } from './object-pages.ts'
import type { Output } from './output.ts'

/** Objects of one export. */
const EXPORT_MAX_OBJECTS = 1_000_000
const LEVELS = ['TLP:CLEAR', 'TLP:GREEN', 'TLP:AMBER', 'TLP:AMBER+STRICT', 'TLP:RED']

/** What goes into an export. */
export interface Gathered {
  objects: Uint8Array[]
  /** The strictest level among them, where a node told it. */
  strictest?: string
}

/** The newest version of each object of a node, in order of arrival; of the named ids, in their order. */
export async function gatherFromNode(
  node: NodeClient,
  asked: ObjectsAsked,
  types: readonly (string | undefined)[],
  output: Output,
): Promise<Gathered> {
  const newest = new Map<string, Listed>()
  let strictest = -1
  for (const type of types) {
    const query = { ...asked, versions: 'latest', order: 'oldest' as const, ...(type === undefined ? {} : { type }) }
    for await (const { items, tlp } of barePages(node, query)) {
      for (const item of items) keepNewest(newest, item)
      if (newest.size > EXPORT_MAX_OBJECTS)
        throw new UsageError(`More than ${EXPORT_MAX_OBJECTS} objects; export less at once with --type or --since.`)
      strictest = Math.max(strictest, LEVELS.indexOf(tlp ?? ''))
      output.progress(`${newest.size} objects read`)
    }
  }
  const chosen = asked.ids ? asked.ids.flatMap((id) => newest.get(id) ?? []) : [...newest.values()]
  const level = LEVELS[strictest]
  return { objects: chosen.map(({ bytes }) => bytes), ...(level === undefined ? {} : { strictest: level }) }
}

/** The objects of a STIX file, as they stand there. @throws UsageError */
export async function gatherFromFile(file: string, types: readonly string[] | undefined): Promise<Gathered> {
  const objects: Uint8Array[] = []
  for await (const { value, bytes } of objectsOf(file))
    if (!types || types.includes(String(value['type']))) objects.push(bytes)
  return { objects }
}

/** The ids of a STIX file, each once, in its order. @throws UsageError */
export async function idsIn(file: string): Promise<string[]> {
  const ids = new Set<string>()
  for await (const { value } of objectsOf(file)) if (typeof value['id'] === 'string') ids.add(value['id'])
  return [...ids]
}

async function* objectsOf(file: string): AsyncGenerator<Listed> {
  const reader = new BundleReader()
  const what = file === '-' ? 'stdin' : file
  function* taken(items: ReturnType<BundleReader['push']>) {
    for (const item of items) {
      if (item.kind === 'fault') throw new UsageError(`${what}: ${item.error.message}.`)
      if (item.kind === 'object') yield { value: item.value as JsonObject, bytes: item.bytes }
    }
  }
  for await (const chunk of openInput(file)) yield* taken(reader.push(chunk))
  yield* taken(reader.end())
}

/** Writes the bundle, to a file only when it is whole; its id follows from what it holds. */
export async function writeBundle(
  objects: readonly Uint8Array[],
  out: string | undefined,
  output: Output,
): Promise<void> {
  const digest = toHex(sha256(...objects.map((bytes) => sha256(bytes))))
  const id = `bundle--${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  if (out === undefined) {
    for (const piece of piecesOf(id, objects)) await output.text(Buffer.from(piece).toString())
    return
  }
  const part = `${out}.part`
  try {
    await using file = await open(part, 'w')
    for (const piece of piecesOf(id, objects)) await file.writeFile(piece)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await rename(part, out)
}

function* piecesOf(id: string, objects: readonly Uint8Array[]): Generator<Uint8Array> {
  yield utf8(`{"type":"bundle","id":"${id}","objects":[`)
  for (const [i, bytes] of objects.entries()) {
    yield utf8(i === 0 ? '\n' : ',\n')
    yield bytes
  }
  yield utf8('\n]}\n')
}

function keepNewest(newest: Map<string, Listed>, item: Listed): void {
  const id = String(item.value['id'])
  const before = newest.get(id)
  if (!before || versionOf(item.value) > versionOf(before.value)) newest.set(id, item)
}

function versionOf({ modified }: JsonObject): string {
  return typeof modified === 'string' ? timestampKey(modified) : ''
}
