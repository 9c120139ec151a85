/**
 * `--tlp` and `--to` as markings. `--to` takes `alliance:…`, `nation:…`, `sector:…`, `kind:…`, `community:…`, `org:…` or a
 * bare organisation; values of one kind are alternatives, different kinds restrict together.
 * @see DESIGN section 6; SHARING-RULES section 3
 */
import { isNation } from '#log'
import { PolicyError } from './error.ts'
import type { CaveatList } from './marking.ts'
import type { Register } from './register.ts'
import { combine, type Resolved, UNMARKED } from './resolve.ts'
import { type Level, stricter, toLevel } from './tlp.ts'

/** Markings that the author adds to everything in one release. */
export interface ReleaseDefaults {
  /** A level of TLP in any case, with or without `TLP:`; it never loosens what an object says. */
  readonly tlp?: string
  readonly to?: readonly string[]
}

/** Adds the defaults to what an object's markings say; the level stays absent where nobody gave one. */
export type ApplyDefaults = (resolved: Resolved) => Resolved

/**
 * Reads the defaults once.
 * @throws PolicyError POLICY_TARGET_UNKNOWN, POLICY_REQUEST_INVALID
 */
export function toDefaults({ tlp, to = [] }: ReleaseDefaults, register: Register): ApplyDefaults {
  const level = tlp === undefined ? undefined : levelOf(tlp)
  const targets = to.map((text) => targetOf(text, register))
  const applied = new Map<Resolved, Resolved>()
  return (resolved) => {
    let result = applied.get(resolved)
    if (result === undefined) {
      const final = stricter(resolved.level, level)
      const added: Resolved = { ...UNMARKED, ...(final && { level: final }), caveats: caveatsOf(targets, final) }
      result = level === undefined && targets.length === 0 ? resolved : combine(resolved, added)
      applied.set(resolved, result)
    }
    return result
  }
}

interface Target {
  kind: 'alliance' | 'community' | 'nation' | 'sector' | 'kind' | 'org'
  name: string
}

const KINDS = new Set<string>(['alliance', 'community', 'nation', 'sector', 'kind', 'org'] satisfies Target['kind'][])

function targetOf(text: string, register: Register): Target {
  const at = text.indexOf(':')
  const [kind, name] = at < 0 ? ['org', text] : [text.slice(0, at), text.slice(at + 1)]
  if (!isKind(kind) || name === '')
    throw unknown(
      `${JSON.stringify(text)} is no recipient; write alliance:, nation:, sector:, kind:, community: or org:`,
    )
  if (kind === 'org') {
    const org = register.org(name)
    if (org === undefined) throw unknown(`No charter names an organisation ${JSON.stringify(name)}`)
    return { kind, name: org.id }
  }
  if ((kind === 'alliance' || kind === 'community') && register.alliance(name) === undefined)
    throw unknown(
      `There is no alliance ${JSON.stringify(name)} here; known are ${register.alliances().join(', ') || 'none'}`,
    )
  if (kind === 'nation' && !isNation(name))
    throw unknown(`${JSON.stringify(name)} is no nation; write two capitals such as JP`)
  return { kind, name }
}

const isKind = (kind: string | undefined): kind is Target['kind'] => kind !== undefined && KINDS.has(kind)

/** Publishing GREEN into an alliance writes `community`; RED names its participants, the other levels distribute. */
function caveatsOf(targets: readonly Target[], level: Level | undefined): { [List in CaveatList]?: Set<string> } {
  const caveats: { [List in CaveatList]?: Set<string> } = {}
  for (const { kind, name } of targets) (caveats[listOf(kind, level)] ??= new Set()).add(name)
  return caveats
}

function listOf(kind: Target['kind'], level: Level | undefined): CaveatList {
  switch (kind) {
    case 'alliance':
      return level === 'green' ? 'community' : 'alliances'
    case 'org':
      return level === 'red' ? 'participants' : 'distribution'
    case 'community':
      return 'community'
    default:
      return `${kind}s` as const
  }
}

function levelOf(text: string): Level {
  const level = toLevel(text.toLowerCase().replace(/^tlp:/, ''))
  if (level !== undefined) return level
  throw new PolicyError(
    'POLICY_REQUEST_INVALID',
    `${JSON.stringify(text)} is no TLP level; use clear, green, amber, amber+strict or red`,
  )
}

const unknown = (message: string) => new PolicyError('POLICY_TARGET_UNKNOWN', message)
