import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Feed, LossReport, parseManifest } from '#exchange'
import { UsageError } from './command.ts'

const MANIFEST = 'manifest.json'
const HASHES = 'hashes.csv'

/**
 * Writes a MISP feed into a folder, so that whoever reads it meanwhile finds every file that the manifest names: events
 * first, the manifest last. `keep` leaves events of earlier exports in it; else they go.
 * @throws UsageError for a folder that holds something else under those names
 */
export async function writeFeedTo(dir: string, feed: Feed, { keep }: { keep: boolean }): Promise<void> {
  await mkdir(dir, { recursive: true })
  const before = await manifestIn(dir)
  for (const [uuid, text] of feed.events) await write(dir, `${uuid}.json`, text)
  const kept = Object.entries(before).filter(([uuid]) => keep && !feed.events.has(uuid))
  const keptUuids = new Set(kept.map(([uuid]) => uuid))
  const hashes = (await linesOf(dir, HASHES)).filter((line) => keptUuids.has(line.slice(line.indexOf(',') + 1)))
  await write(dir, HASHES, [...hashes, ...feed.hashes, ''].join('\n'))
  await write(dir, MANIFEST, `${JSON.stringify({ ...Object.fromEntries(kept), ...feed.manifest })}\n`)
  for (const uuid of Object.keys(before))
    if (!keep && !feed.events.has(uuid)) await rm(join(dir, `${uuid}.json`), { force: true })
}

/** The manifest of an earlier export, by the events' uuids; what is no feed is not written over. */
async function manifestIn(dir: string): Promise<Record<string, unknown>> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(join(dir, MANIFEST))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
  try {
    const known = new Set(parseManifest(bytes, new LossReport()).map(({ uuid }) => uuid))
    const all = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
    return Object.fromEntries(Object.entries(all).filter(([uuid]) => known.has(uuid.toLowerCase())))
  } catch {
    throw new UsageError(`${dir} holds a ${MANIFEST} that is not that of a MISP feed; choose another --out.`)
  }
}

async function linesOf(dir: string, name: string): Promise<string[]> {
  const text = await readFile(join(dir, name), 'utf8').catch(() => '')
  return text.split('\n').filter(Boolean)
}

/** Writes a file whole, or not at all. */
async function write(dir: string, name: string, text: string): Promise<void> {
  const path = join(dir, name)
  const waiting = `${path}.new`
  const file = await open(waiting, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(waiting, path)
}
