import type { JsonObject } from '#base'
import type { ReadContext, Reading } from '../format.ts'
import { type IndicatorFacts, toStixObject } from '../indicators/indicator.ts'
import { asAsn, type IndicatorKind, isInternalAddress, recognise, type Recognised } from '../indicators/recognise.ts'
import { refang } from '../indicators/refang.ts'
import { CONTEXT_MAX_CHARS, OBJECTS_MAX } from '../limits.ts'
import { strictest, tlpMarkingId, tlpOf } from '../markings.ts'
import { kindOfType, type Role, rolesOf } from './columns.ts'
import type { Rows } from './delimited.ts'
import { timeOf } from './time.ts'

/**
 * Indicators of a table. Where the first row names its columns, they say what is value, type, time, description, tags
 * and marking; otherwise every cell that is an indicator is one, and the others of its row describe it.
 */
export function readTable(rows: Rows, context: ReadContext, where = 'row'): Reading {
  const header = isHeader(rows[0] ?? []) ? (rows[0] ?? []) : undefined
  const roles = header ? rolesOf(header) : []
  const objects = new Map<string, JsonObject>()
  const preview: string[] = []
  const body = header ? rows.slice(1) : rows
  body.forEach((row, index) => {
    const path = `${where} ${index + (header ? 2 : 1)}`
    for (const object of objectsOf(row, roles, path, context)) {
      const id = String(object['id'])
      if (objects.has(id)) continue
      if (objects.size === OBJECTS_MAX)
        return context.losses.add(path, `Only ${OBJECTS_MAX} objects are made; split the file.`)
      objects.set(id, object)
      preview.push(`${String(object['pattern'] ?? object['name'])} (${path})`)
    }
  })
  header?.forEach((name, column) => {
    if (roles[column] === undefined && name !== '')
      context.losses.add(`column "${name}"`, 'its name says nothing that an indicator has')
  })
  return {
    objects: [...objects.values()],
    preview,
    notes: [header ? `Columns: ${header.join(', ')}.` : 'No header; every cell that is an indicator is taken.'],
  }
}

function isHeader(row: readonly string[]): boolean {
  return row.every((cell) => recognise(cell) === undefined) && rolesOf(row).some((role) => role !== undefined)
}

function objectsOf(
  row: readonly string[],
  roles: readonly (Role | undefined)[],
  path: string,
  context: ReadContext,
): JsonObject[] {
  const facts = factsOf(row, roles, path, context)
  const detects = row[roles.findIndex((role) => role?.role === 'detects')]
  if (detects !== undefined && /^(?:0|false|no)$/i.test(detects)) {
    context.losses.add(path, 'its to_ids is off: context, not for detection')
    return []
  }
  const found = valuesOf(row, roles)
  if (found.length === 0) context.losses.add(path, 'no value of a known kind')
  return found.flatMap((one) => {
    if (isInternalAddress(one)) {
      context.losses.add(path, `${one.value}: an address of internal networks`)
      return []
    }
    const object = toStixObject(one, facts)
    if (facts.marking !== undefined) object['object_marking_refs'] = [facts.marking]
    return [object]
  })
}

function valuesOf(row: readonly string[], roles: readonly (Role | undefined)[]): Recognised[] {
  const type = roles.findIndex((role) => role?.role === 'type')
  const stated = type === -1 ? undefined : kindOfType(row[type] ?? '')
  return row.flatMap((cell, column) => {
    const role = roles[column]
    if (roles.length > 0 && role?.role !== 'value' && role?.role !== 'kind') return []
    const kind = role?.role === 'kind' && role.kind !== 'any' ? role.kind : role?.role === 'value' ? stated : undefined
    return cell.split(roles.length > 0 ? /[\s;,|]+/ : /[;|]+/).flatMap((part) => {
      const found = kind === undefined ? recognise(refang(part).text, { isHost: roles.length > 0 }) : asKind(kind, part)
      return found ? [found] : []
    })
  })
}

function asKind(kind: IndicatorKind, cell: string): Recognised | undefined {
  if (kind === 'asn') return asAsn(cell)
  return cell.trim() === '' ? undefined : { kind, value: cell.trim() }
}

function factsOf(
  row: readonly string[],
  roles: readonly (Role | undefined)[],
  path: string,
  context: ReadContext,
): IndicatorFacts & { marking?: string } {
  const cells = (role: Role['role']) =>
    roles.flatMap((one, column) => (one?.role === role && row[column] ? [row[column]] : []))
  const from = cells('from')[0]
  const until = cells('until')[0]
  const at = from === undefined ? undefined : timeOf(from)
  const end = until === undefined ? undefined : timeOf(until)
  if (from !== undefined && at === undefined)
    context.losses.add(path, `“${from.slice(0, 40)}” is no time that is understood`)
  if (until !== undefined && end === undefined)
    context.losses.add(path, `“${until.slice(0, 40)}” is no time that is understood`)
  const level = strictest(cells('tlp').map((cell) => knownLevel(tlpOf(cell), cell, path, context)))
  const name = cells('name')[0]
  const description = roles.length === 0 ? described(row) : cells('description').join('; ')
  return {
    source: context.source,
    at: at ?? context.now,
    description: description.slice(0, CONTEXT_MAX_CHARS),
    labels: cells('labels').flatMap((cell) =>
      cell
        .split(/[;,|]/)
        .map((label) => label.trim())
        .filter(Boolean),
    ),
    ...(name === undefined ? {} : { name }),
    ...(end === undefined ? {} : { validUntil: end }),
    ...(level === undefined ? {} : { marking: tlpMarkingId(level) }),
  }
}

function knownLevel(level: ReturnType<typeof tlpOf>, cell: string, path: string, { losses }: ReadContext) {
  if (level !== undefined && level !== 'unknown') return level
  losses.add(path, `“${cell.slice(0, 40)}” is no known marking, so it is handled as TLP:RED`)
  return 'red' as const
}

const described = (row: readonly string[]) =>
  row.filter((cell) => cell !== '' && recognise(refang(cell).text) === undefined).join('; ')
