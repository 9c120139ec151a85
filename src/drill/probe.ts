/**
 * Looks for what must not be there: every signal, at every member that nobody entitled, through every way out that a
 * node offers its own operator, and, where the drill may read it, in the bytes on the node's disk.
 *
 * The operator sees more than any reader, so what the operator cannot find no reader of that node can.
 */
import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DrillNetwork, DrillNode } from './launcher.ts'
import { readJournal, request } from './node-client.ts'
import type { ProbeRecord, SignalRecord } from './record.ts'

const ABSENT_UUID = '00000000-0000-4000-8000-000000000000'
const STREAMS = ['published', 'mirrored', 'armed', 'hits', 'alarms', 'receipts'] as const
const PAGE_ROWS = 1000
const PAGES_LIMIT = 1000

/** Everything that one node tells its operator, by way out. */
type Told = Map<string, string>

/** Probes all signals at all nodes; `holders` are the members at which every object of the signal stands. */
export async function probeAll(
  network: DrillNetwork,
  signals: readonly SignalRecord[],
): Promise<{ probes: ProbeRecord[]; holders: Map<string, string[]> }> {
  const probes: ProbeRecord[] = []
  const holders = new Map<string, string[]>(signals.map((signal) => [signal.id, []]))
  for (const node of network.nodes.values()) {
    const told = await everythingTold(node)
    for (const signal of signals) {
      const held = await holdsAll(node, signal)
      if (held) holders.get(signal.id)?.push(node.key)
      if (!signal.entitled.includes(node.key)) probes.push(...(await probe(node, signal, told)))
    }
  }
  for (const keys of holders.values()) keys.sort()
  return { probes, holders }
}

async function holdsAll(node: DrillNode, signal: SignalRecord): Promise<boolean> {
  for (const { id } of signal.objects) {
    const response = await request(node, 'GET', `/api/v1/objects/${id}`)
    await response.arrayBuffer()
    if (response.status !== 200) return false
  }
  return signal.objects.length > 0
}

async function probe(node: DrillNode, signal: SignalRecord, told: Told): Promise<ProbeRecord[]> {
  const words = [signal.canary, ...signal.objects.map(({ id }) => id)]
  const rows: ProbeRecord[] = []
  for (const [way, text] of told) {
    const found = words.some((word) => text.includes(word))
    rows.push({ signal: signal.id, reader: node.key, way, found })
  }
  rows.push({
    signal: signal.id,
    reader: node.key,
    way: 'answer differs from absent',
    found: await tellsApart(node, signal),
  })
  if (node.folder) {
    const found = await onDisk(node.folder, words)
    rows.push({ signal: signal.id, reader: node.key, way: 'bytes on disk', found })
  }
  return rows
}

/** Whether the answer for a withheld object can be told from that for one that never existed. */
async function tellsApart(node: DrillNode, signal: SignalRecord): Promise<boolean> {
  for (const { id } of signal.objects) {
    const absent = `${id.slice(0, id.indexOf('--'))}--${ABSENT_UUID}`
    const [withheld, never] = await Promise.all([answerOf(node, id), answerOf(node, absent)])
    if (withheld.replaceAll(id, '') !== never.replaceAll(absent, '')) return true
  }
  return false
}

async function answerOf(node: DrillNode, id: string): Promise<string> {
  const response = await request(node, 'GET', `/api/v1/objects/${id}`)
  return `${response.status} ${response.headers.get('content-type')} ${await response.text()}`
}

async function everythingTold(node: DrillNode): Promise<Told> {
  const told: Told = new Map()
  const paths = ['status', 'situation', 'counts', 'members', 'alliances', 'links', 'hits', 'receipts', 'drills']
  for (const path of paths) {
    const response = await request(node, 'GET', `/api/v1/${path}`)
    told.set(`/api/v1/${path}`, await response.text())
  }
  told.set('/metrics', await (await request(node, 'GET', '/metrics')).text())
  told.set('/api/v1/objects', await allObjects(node))
  for (const stream of STREAMS) told.set(`journal ${stream}`, JSON.stringify(await readJournal(node, stream)))
  return told
}

async function allObjects(node: DrillNode): Promise<string> {
  const pages: string[] = []
  let cursor = ''
  for (let n = 0; n < PAGES_LIMIT; n++) {
    const response = await request(node, 'GET', `/api/v1/objects?limit=${PAGE_ROWS}${cursor}`)
    const text = await response.text()
    pages.push(text)
    const next = response.ok ? (JSON.parse(text) as { next?: string }).next : undefined
    if (!next) break
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
  return pages.join('\n')
}

/** Whether any of the words stands in a file of the folder, also across the borders of read chunks. */
async function onDisk(folder: string, words: readonly string[]): Promise<boolean> {
  const longest = Math.max(...words.map((word) => word.length))
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    let tail = ''
    for await (const chunk of createReadStream(join(entry.parentPath, entry.name), 'latin1')) {
      const text = tail + String(chunk)
      if (words.some((word) => text.includes(word))) return true
      tail = text.slice(-longest)
    }
  }
  return false
}
