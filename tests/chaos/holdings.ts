// What lies in the data directories after a run, read without the nodes.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fsckDirectory, readConfig } from '#node'
import { openStore } from '#store'
import { toSigner } from '#log'
import { MARKER, type Publication } from './chaos.ts'

interface HeldLog {
  size: number
  root: string
  author: string
  own: boolean
  /** By index; `undefined` where the content is gone. */
  entries: (string | undefined)[]
  leaves: string[]
}

interface Holding {
  logs: Map<string, HeldLog>
  markers: Set<string>
  faults: string[]
}

/** Everything that is wrong with what members hold; nothing is expected. */
export async function faultsIn(
  dirs: ReadonlyMap<string, string>,
  publications: readonly Publication[],
): Promise<string[]> {
  const faults: string[] = []
  const held = new Map<string, Holding>()
  const members = new Map<string, string>()
  for (const [slug, dir] of dirs) {
    held.set(slug, await holdingOf(dir))
    members.set(slug, (await readConfig(dir)).member)
    for (const fault of held.get(slug)!.faults) faults.push(`${slug}: ${fault}`)
  }
  const ownLogs = new Map<string, { author: string; log: HeldLog }>()
  for (const [slug, { logs }] of held) for (const [id, log] of logs) if (log.own) ownLogs.set(id, { author: slug, log })
  for (const publication of publications) faults.push(...faultsOf(publication, held))
  const entitledTo = entitlement(publications, ownLogs)
  for (const [slug, { logs, markers }] of held) {
    for (const [id, log] of logs) {
      const own = ownLogs.get(id)
      if (!own) faults.push(`${slug} holds a log ${id.slice(0, 8)} that its author does not`)
      else if (own.author !== slug) {
        if (!entitledTo.get(id)?.has(slug))
          faults.push(`${slug} holds a log ${id.slice(0, 8)} of ${own.author} that is not for it`)
        if (log.author !== members.get(own.author)) faults.push(`${slug} has ${id.slice(0, 8)} under another author`)
        if (log.size !== own.log.size || log.root !== own.log.root)
          faults.push(`${slug} has ${log.size} entries of ${id.slice(0, 8)}, ${own.author} has ${own.log.size}`)
        const different = log.entries.findIndex(
          (entry, at) => entry !== own.log.entries[at] && entry !== undefined && own.log.entries[at] !== undefined,
        )
        if (different >= 0) faults.push(`${slug} has other bytes in entry ${different} of ${id.slice(0, 8)}`)
      }
    }
    for (const [id, readers] of entitledTo)
      if (readers.has(slug) && !logs.has(id)) faults.push(`${slug} lacks log ${id.slice(0, 8)} that is for it`)
    const mine = new Set(
      publications
        .filter(({ author, entitled }) => author === slug || entitled.includes(slug))
        .map(({ marker }) => marker),
    )
    for (const marker of markers)
      if (!mine.has(marker)) faults.push(`${slug} holds bytes of ${marker}, which is not for it`)
  }
  return faults
}

/** Readers of each log: those of what was acknowledged there, or of what stands in it although no answer came. */
function entitlement(
  publications: readonly Publication[],
  logs: ReadonlyMap<string, { log: HeldLog }>,
): Map<string, Set<string>> {
  const readers = new Map<string, Set<string>>()
  const byMarker = new Map(publications.map((one) => [one.marker, one]))
  for (const { place, entitled } of publications) if (place) readers.set(place.log, new Set(entitled))
  for (const [id, { log }] of logs) {
    if (readers.has(id)) continue
    const marker = log.entries.join('').match(MARKER)?.[0]
    const found = marker === undefined ? undefined : byMarker.get(marker)
    if (found) readers.set(id, new Set(found.entitled))
  }
  return readers
}

/** An acknowledged entry stands once, where it was acknowledged, at its author and at every entitled member; others at most once. */
function faultsOf(publication: Publication, held: ReadonlyMap<string, Holding>): string[] {
  const { author, marker, place, entitled, recalled } = publication
  const faults: string[] = []
  for (const slug of [author, ...entitled]) {
    const places: string[] = []
    for (const [id, log] of held.get(slug)!.logs)
      for (const [index, entry] of log.entries.entries()) if (entry?.includes(marker)) places.push(`${id}/${index}`)
    const isGone = recalled !== undefined && places.length === 0
    if (places.length > 1) faults.push(`${slug} holds ${marker} ${places.length} times`)
    if (place && !isGone && places[0] !== `${place.log}/${place.index}`)
      faults.push(
        `${slug} holds ${marker} of ${author} at ${places[0] ?? 'no place'}, not at ${place.log.slice(0, 8)}/${place.index}`,
      )
    const log = place && held.get(slug)!.logs.get(place.log)
    if (place && log && recalled === 'acknowledged') {
      const isNamed = log.entries.some(
        (entry, at) => at > place.index && entry?.includes(`"leaf":"${log.leaves[place.index]}"`),
      )
      if (log.entries[place.index] !== undefined)
        faults.push(`${slug} still has the content of ${marker}, which was recalled`)
      if (!isNamed) faults.push(`${slug} has no recall of ${marker}, which ${author} acknowledged`)
    }
  }
  return faults
}

async function holdingOf(dir: string): Promise<Holding> {
  const faults: string[] = []
  const report = await fsckDirectory(dir)
  if (!report.ok) faults.push(`fsck: ${JSON.stringify(report.faults).slice(0, 500)}`)
  const { member } = await readConfig(dir)
  const seed = Buffer.from((await readFile(join(dir, 'keys/node.seed'), 'utf8')).trim(), 'hex')
  const signer = { member, key: toSigner(new Uint8Array(seed)) }
  await using store = await openStore({ folder: dir, signer, now: Date.now })
  const logs = new Map<string, HeldLog>()
  for (const { log, size, root, author, own } of await store.logs()) {
    const entries: (string | undefined)[] = []
    const leaves: string[] = []
    for (let at = 0; at < size;) {
      const page = await store.entries(log, at, size)
      if (page.length === 0) break
      for (const { bytes, leaf, index } of page) {
        entries[index] = bytes && Buffer.from(bytes).toString('latin1')
        leaves[index] = leaf
      }
      at = page.at(-1)!.index + 1
    }
    if (leaves.length !== size) faults.push(`log ${log.slice(0, 8)} has ${leaves.length} of ${size} entries`)
    logs.set(log, { size, root, author, own, entries, leaves })
  }
  return { logs, markers: await markersIn(dir), faults }
}

/** Markers in any file of a folder: databases, their journals, logs. */
async function markersIn(dir: string): Promise<Set<string>> {
  const found = new Set<string>()
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const text = (await readFile(join(entry.parentPath, entry.name))).toString('latin1')
    for (const [marker] of text.matchAll(MARKER)) found.add(marker)
  }
  return found
}
