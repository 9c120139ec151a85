import type { JsonObject } from '#base'
import { scoId } from '#stix'
import { decodeText } from '../encoding.ts'
import { ExchangeError } from '../error.ts'
import type { ReadContext, Reader } from '../format.ts'
import { contentId } from '../ids.ts'
import { asAsn, isAddress } from '../indicators/recognise.ts'
import { OBJECTS_MAX } from '../limits.ts'
import { columnName } from '../table/columns.ts'
import { parseDelimited } from '../table/delimited.ts'
import { timeOf } from '../table/time.ts'

/** Bytes that hold the header line. */
const HEADER_BYTES = 16_384
/** Columns that say what is wrong with a host, as labels. */
const TOLD_BY = [
  'infection',
  'family',
  'tag',
  'application',
  'severity',
  'src_sector',
  'sector',
  'type',
  'naics',
] as const
/** Codes that reports use beside ISO 3166: the United Kingdom's, and that of the European Union’s Greece. */
const COUNTRY_ALIASES: ReadonlyMap<string, string> = new Map([
  ['UK', 'GB'],
  ['EL', 'GR'],
])

/**
 * Event and scan reports in the columns of the Shadowserver Foundation: each row is a host that was seen, as observed-data
 * of its address, its autonomous system and its traffic, related to the location of its country.
 * @see https://www.shadowserver.org/what-we-do/network-reporting/
 */
export const shadowserver: Reader = {
  name: 'shadowserver',
  detects(bytes) {
    const header = new TextDecoder('latin1').decode(bytes.subarray(0, HEADER_BYTES)).split(/\r|\n/, 1)[0] ?? ''
    const names = new Set(
      header
        .replace(/^ï»¿/, '')
        .split(',')
        .map((name) => columnName(name.replaceAll('"', ''))),
    )
    const has = (...some: string[]) => some.some((name) => names.has(name))
    return has('timestamp') && has('src_ip', 'ip') && has('src_asn', 'asn') && has('src_geo', 'geo')
  },
  read(bytes, context) {
    const { text, encoding } = decodeText(bytes, context.encoding)
    const [header, ...rows] = parseDelimited(text, ',', context.losses)
    if (!header) throw new ExchangeError('EXCHANGE_EMPTY', 'The report has no header line.')
    const names = header.map(columnName)
    const objects = new Map<string, JsonObject>()
    const preview: string[] = []
    rows.forEach((cells, index) => {
      const row = new Map(names.map((name, column) => [name, cells[column] ?? '']))
      const made = objectsOf(row, `row ${index + 2}`, context)
      if (objects.size + made.length > OBJECTS_MAX)
        return context.losses.add(`row ${index + 2}`, `Only ${OBJECTS_MAX} objects are made; split the report.`)
      for (const object of made) objects.set(String(object['id']), object)
      if (made.length > 0) preview.push(said(row))
    })
    return { objects: [...objects.values()], preview, notes: [`Report in ${encoding}, ${rows.length} rows.`] }
  },
}

type Row = ReadonlyMap<string, string>

const pick = (row: Row, ...names: string[]) => names.map((name) => row.get(name) ?? '').find((value) => value !== '')

const said = (row: Row) =>
  [pick(row, 'timestamp'), pick(row, 'src_ip', 'ip'), pick(row, 'src_geo', 'geo'), pick(row, 'infection', 'tag')]
    .filter((part) => part !== undefined)
    .join(' ')

function objectsOf(row: Row, path: string, { source, losses, ...context }: ReadContext): JsonObject[] {
  const address = pick(row, 'src_ip', 'ip')
  const at = timeOf(pick(row, 'timestamp') ?? '')
  if (address === undefined || !isAddress(address) || at === undefined) {
    losses.add(
      path,
      address === undefined || !isAddress(address) ? 'no address of the host' : 'no time that is understood',
    )
    return []
  }
  const host = addressOf(address, pick(row, 'src_asn', 'asn'))
  const traffic = trafficOf(row, host.address, at)
  const seen = [...host.all, ...traffic]
  const labels = labelsOf(row)
  const observed: JsonObject = {
    type: 'observed-data',
    spec_version: '2.1',
    id: contentId('observed-data', source, pick(row, 'event_id') ?? '', address, at, JSON.stringify([...row])),
    created: at,
    modified: at,
    first_observed: at,
    last_observed: at,
    number_observed: 1,
    object_refs: [...new Set(seen.map(({ id }) => String(id)))],
    ...(labels.length === 0 ? {} : { labels }),
  }
  return [...seen, observed, ...placed(row, observed, path, { source, losses, ...context })]
}

function addressOf(value: string, asn: string | undefined): { address: JsonObject; all: JsonObject[] } {
  const system = asn === undefined ? undefined : asAsn(asn)
  const autonomous = system && withId({ type: 'autonomous-system', spec_version: '2.1', number: Number(system.value) })
  const address = withId({
    type: value.includes(':') ? 'ipv6-addr' : 'ipv4-addr',
    spec_version: '2.1',
    value: value.toLowerCase(),
    ...(autonomous ? { belongs_to_refs: [String(autonomous['id'])] } : {}),
  })
  return { address, all: autonomous ? [address, autonomous] : [address] }
}

const withId = (object: JsonObject): JsonObject => ({ ...object, id: scoId(object) ?? '' })

/** The traffic of an event's row; for a scan, the service that was found open. */
function trafficOf(row: Row, host: JsonObject, at: string): JsonObject[] {
  const other = pick(row, 'dst_ip')
  const isScan = row.has('ip')
  const peer = other !== undefined && isAddress(other) ? addressOf(other, pick(row, 'dst_asn')) : undefined
  const sourcePort = portOf(isScan ? undefined : pick(row, 'src_port'))
  const targetPort = portOf(pick(row, isScan ? 'port' : 'dst_port'))
  if (!peer && sourcePort === undefined && targetPort === undefined) return []
  const traffic = withId({
    type: 'network-traffic',
    spec_version: '2.1',
    start: at,
    ...(isScan ? { dst_ref: String(host['id']) } : { src_ref: String(host['id']) }),
    ...(peer && !isScan ? { dst_ref: String(peer.address['id']) } : {}),
    ...(sourcePort === undefined ? {} : { src_port: sourcePort }),
    ...(targetPort === undefined ? {} : { dst_port: targetPort }),
    protocols: [(pick(row, 'protocol') ?? 'tcp').toLowerCase()],
  })
  return [...(isScan ? [] : (peer?.all ?? [])), traffic]
}

function portOf(cell: string | undefined): number | undefined {
  return cell !== undefined && /^\d{1,5}$/.test(cell) && Number(cell) <= 65_535 ? Number(cell) : undefined
}

const labelsOf = (row: Row): string[] => [
  ...new Set(TOLD_BY.flatMap((name) => (pick(row, name) ? [`${name}:${pick(row, name)}`] : []))),
]

/** The location of the host's country, and its relationship with what was observed. */
function placed(row: Row, observed: JsonObject, path: string, { source, losses }: ReadContext): JsonObject[] {
  const code = (pick(row, 'src_geo', 'geo') ?? '').toUpperCase()
  if (code === '') return []
  const country = COUNTRY_ALIASES.get(code) ?? code
  if (!/^[A-Z]{2}$/.test(country)) {
    losses.add(path, `“${code.slice(0, 20)}” is no country code`)
    return []
  }
  const from = { created: LOCATIONS_SINCE, modified: LOCATIONS_SINCE }
  const id = contentId('location', source, country)
  const location = { type: 'location', spec_version: '2.1', id, ...from, name: country, country }
  const relationship = {
    type: 'relationship',
    spec_version: '2.1',
    id: contentId('relationship', source, String(observed['id']), country),
    created: String(observed['created']),
    modified: String(observed['modified']),
    relationship_type: 'related-to',
    source_ref: String(observed['id']),
    target_ref: id,
  }
  return [location, relationship]
}

/** Time of the locations that are made, the same in every import, so that each country is published once. */
const LOCATIONS_SINCE = '2020-01-01T00:00:00.000Z'
