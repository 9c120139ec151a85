import type { JsonObject } from '#base'
import type { DrillNetwork, DrillNode } from './launcher.ts'
import { ask } from './node-client.ts'
import type { DrillRecord, FirstMatch, ReceiptRecord, WaveRecord } from './record.ts'
import type { ScenarioFiles } from './scenario-files.ts'

/** Rows of a journal that one evidence statement covers, at most. */
const EVIDENCE_ROWS = 1_000
/** Statements per member and journal; a drill that needs more is not a drill but an outage. */
const EVIDENCE_STATEMENTS_LIMIT = 100
const EVIDENCE_STREAMS = ['published', 'mirrored', 'armed', 'hits'] as const

interface ReceiptAnswer {
  member: string
  log: string
  kind: 'received' | 'armed'
  size: number
  time: number
  arrived: number
  envelope: JsonObject
}

/** The receipts that the authors hold, with times corrected to the director's clock. */
export async function collectReceipts(network: DrillNetwork, record: DrillRecord): Promise<ReceiptRecord[]> {
  const keyOf = new Map([...network.nodes.values()].map((node) => [node.member, node.key]))
  const lists = await Promise.all(
    [...network.nodes.values()].map(async (author) => {
      const { receipts } = await ask<{ receipts: ReceiptAnswer[] }>(author, 'GET', '/api/v1/receipts')
      return receipts.map((receipt): ReceiptRecord => {
        const from = keyOf.get(receipt.member) ?? receipt.member
        return {
          kind: receipt.kind,
          from,
          author: author.key,
          log: receipt.log,
          size: receipt.size,
          time: receipt.time - offsetOf(record, from),
          arrived: receipt.arrived - offsetOf(record, author.key),
          envelope: receipt.envelope,
        }
      })
    }),
  )
  return lists.flat()
}

const offsetOf = (record: DrillRecord, key: string) => record.members.find((m) => m.key === key)?.clock.offsetMs ?? 0

/** Every member's own journals, signed by it. */
export async function collectEvidence(network: DrillNetwork, drill: string): Promise<JsonObject[]> {
  const lists = await Promise.all([...network.nodes.values()].map((node) => evidenceOf(node, drill)))
  return lists.flat()
}

async function evidenceOf(node: DrillNode, drill: string): Promise<JsonObject[]> {
  const statements: JsonObject[] = []
  for (const stream of EVIDENCE_STREAMS) {
    let after = 0
    for (let n = 0; n < EVIDENCE_STATEMENTS_LIMIT; n++) {
      const body = { drill, stream, after, limit: EVIDENCE_ROWS }
      const envelope = await ask<JsonObject>(node, 'POST', '/api/v1/evidence', body)
      const rows = rowsOf(envelope)
      if (rows.length > 0) statements.push(envelope)
      if (rows.length < EVIDENCE_ROWS) break
      after = rows.at(-1)?.sequence ?? after
    }
  }
  return statements
}

interface EvidenceRow {
  sequence: number
  time: number
  value: JsonObject
}

interface EvidenceStatement {
  member: string
  data: { stream: string; rows: EvidenceRow[] }
}

const statementOf = (envelope: JsonObject) => envelope['statement'] as unknown as EvidenceStatement
const rowsOf = (envelope: JsonObject) => statementOf(envelope).data.rows

/** Reads, from the members' signed journals, the first match of each wave at each member by rule and by address. */
export function firstMatches(record: DrillRecord, files: ScenarioFiles): void {
  const rules = ruleTechniques(files)
  const keyOf = new Map(record.members.map((member) => [member.member, member.key]))
  for (const wave of record.waves) {
    wave.first = {}
    delete wave.techniques
  }
  for (const envelope of record.evidence) {
    const { member, data } = statementOf(envelope)
    const key = keyOf.get(member)
    if (data.stream !== 'hits' || key === undefined) continue
    for (const row of data.rows) noteHit(record, key, row.value, rules)
  }
}

function noteHit(record: DrillRecord, key: string, hit: JsonObject, rules: Map<string, string[]>): void {
  const [drill, wave, replay, benign] = String(hit['run'] ?? '').split('/')
  if (drill !== record.drill || benign !== undefined) return
  const at = record.waves.find((w) => w.member === key && w.wave === wave)
  if (!at) return
  const by = typeof hit['rule'] === 'string' ? 'rule' : 'address'
  const match: FirstMatch = {
    time: Number(hit['time']) - offsetOf(record, key),
    replay: Number(replay),
    value: String(hit['value'] ?? ''),
    what: String(hit[by === 'rule' ? 'rule' : 'indicator'] ?? ''),
  }
  const known = at.first[by]
  if (!known || match.time < known.time) at.first[by] = match
  noteTechniques(at, rules.get(String(hit['name'] ?? '')) ?? rules.get(match.what) ?? [])
}

function noteTechniques(at: WaveRecord, techniques: readonly string[]): void {
  if (techniques.length > 0) at.techniques = [...new Set([...(at.techniques ?? []), ...techniques])].sort()
}

/** Techniques by rule title and rule id, as hits name rules. */
function ruleTechniques(files: ScenarioFiles): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const file of files.ruleFiles) {
    const text = files.rule(file)
    for (const field of ['title', 'id']) {
      const value = new RegExp(`^${field}:\\s*(.+)$`, 'm').exec(text)?.[1]?.trim()
      if (value) found.set(value, files.techniques(file))
    }
  }
  return found
}
