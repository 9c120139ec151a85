// A small world with two bridged alliances, what each member publishes in it, and who may have what: the answer of
// decide() on the objects' own markings, which knows nothing of logs, nodes and mirrors.
import { randomUUID } from 'node:crypto'
import { type JsonObject, toTimestamp } from '#base'
import { decide, Definitions, NOROSHI_EXTENSION, type Register, toRegister } from '#policy'
import { PREDEFINED_MARKINGS, TLP_2_MARKINGS } from '#stix'
import type { World, WorldOptions } from '../alliance/world.ts'
import { publish } from '../alliance/world.ts'

export const BANK = 'identity--00000000-0000-5000-8000-0000000000ba'

/** Japan and the Philippines are in both alliances; a bank is a client of the Philippines. */
export const SMALL_WORLD: WorldOptions = {
  alliances: { trilateral: ['jp-nco', 'us-cisa', 'ph-ncert'], 'asean-japan': ['jp-nco', 'ph-ncert', 'th-ncsa'] },
  clients: {
    'ph-ncert': [{ id: BANK, slug: 'ph-bank', name: 'Bank', kind: 'company', sectors: ['financial'], nation: 'PH' }],
  },
}

export const MEMBERS = ['jp-nco', 'us-cisa', 'ph-ncert', 'th-ncsa'] as const
export const READERS = [...MEMBERS, 'ph-bank'] as const

/** One object that somebody published, with the text by which it is found again. */
export interface Secret {
  author: string
  id: string
  canary: string
  address: string
  object: JsonObject
  what: string
  /** The alliance that it names as community. */
  community?: string
}

interface Kind {
  what: string
  tlp: string
  /** Noroshi's caveats. */
  caveats?: JsonObject
  /** Members that publish it; where a caveat says what the level says anyway, it is none. */
  by?: readonly string[]
}

const KINDS: readonly Kind[] = [
  { what: 'clear', tlp: 'clear' },
  { what: 'green of all its alliances', tlp: 'green' },
  { what: 'green of trilateral', tlp: 'green', caveats: { community: 'trilateral' }, by: ['jp-nco', 'ph-ncert'] },
  { what: 'green of asean-japan', tlp: 'green', caveats: { community: 'asean-japan' }, by: ['jp-nco', 'ph-ncert'] },
  { what: 'amber', tlp: 'amber' },
  {
    what: 'amber for trilateral',
    tlp: 'amber',
    caveats: { releasable_to: { alliances: ['trilateral'] } },
    by: ['jp-nco', 'us-cisa', 'ph-ncert'],
  },
  { what: 'amber for two nations', tlp: 'amber', caveats: { releasable_to: { nations: ['US', 'TH'] } } },
  { what: 'amber, strict', tlp: 'amber+strict' },
  {
    what: 'amber, strict, for asean-japan',
    tlp: 'amber+strict',
    caveats: { releasable_to: { alliances: ['asean-japan'] } },
    by: ['jp-nco', 'ph-ncert'],
  },
  { what: 'red for Japan', tlp: 'red', caveats: { participants: ['jp-nco'] }, by: ['us-cisa', 'th-ncsa'] },
  { what: 'red for the Philippines', tlp: 'red', caveats: { participants: ['ph-ncert'] }, by: ['jp-nco'] },
]

const TLP_ID = new Map(
  TLP_2_MARKINGS.map((marking) => [String(marking['name']).replace('TLP:', '').toLowerCase(), String(marking['id'])]),
)

/** Publishes every kind of object at every member. */
export async function fill(world: World): Promise<{ secrets: Secret[]; definitions: JsonObject[] }> {
  const secrets: Secret[] = []
  const definitions: JsonObject[] = []
  for (const author of MEMBERS) {
    const objects: JsonObject[] = []
    for (const kind of KINDS) {
      if (kind.by && !kind.by.includes(author)) continue
      const secret = toSecret(world, author, kind, secrets.length)
      objects.push(...secret.objects)
      definitions.push(...secret.objects.filter(({ type }) => type === 'marking-definition'))
      secrets.push(secret)
    }
    const { refused } = await publish(world, author, objects)
    if (refused.length > 0) throw new Error(JSON.stringify(refused))
  }
  return { secrets, definitions }
}

function toSecret(
  world: World,
  author: string,
  { what, tlp, caveats }: Kind,
  n: number,
): Secret & { objects: JsonObject[] } {
  const canary = `canary-${randomUUID()}`
  const address = `198.51.100.${100 + n}`
  const refs = [TLP_ID.get(tlp) ?? '']
  const objects: JsonObject[] = []
  if (caveats) {
    const id = `marking-definition--${randomUUID()}`
    const named = JSON.parse(JSON.stringify(caveats), (_name, value: unknown) =>
      typeof value === 'string' && MEMBERS.includes(value as never) ? world.node(value).config.member : value,
    ) as JsonObject
    objects.push({
      type: 'marking-definition',
      spec_version: '2.1',
      id,
      created: '2026-01-01T00:00:00.000Z',
      extensions: { [NOROSHI_EXTENSION]: { extension_type: 'property-extension', ...named } },
    })
    refs.push(id)
  }
  const object: JsonObject = {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${randomUUID()}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name: canary,
    pattern: `[ipv4-addr:value = '${address}']`,
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00Z',
    object_marking_refs: refs,
  }
  objects.push(object)
  const community = caveats?.['community']
  return {
    author,
    id: String(object['id']),
    canary,
    address,
    object,
    what,
    objects,
    ...(typeof community === 'string' ? { community } : {}),
  }
}

/** Who may have what. */
export interface Oracle {
  /** Whether a member's node may hold the object, and gets it: it is linked to its author. */
  mayHold: (secret: Secret, slug: string) => boolean
  /** Whether a member may have the object from another member's node over the link. */
  mayMirror: (secret: Secret, server: string, peer: string) => boolean
  /** Whether an organisation may read the object at a member's node. */
  mayRead: (secret: Secret, server: string, reader: string) => boolean
}

/** The oracle: decide() on the object, from its author to the node, and from the node to the reader. */
export function oracleOf(world: World, definitions: readonly JsonObject[]): Oracle {
  const known = new Definitions([...PREDEFINED_MARKINGS.values(), ...definitions])
  const asks = (secret: Secret, from: string, to: string, channel: 'node' | 'client') =>
    decide({
      now: toTimestamp(Date.now()),
      from,
      to,
      source: secret.author,
      object: asSeenAt(world, secret, from),
      register: channel === 'client' ? undeclared(fullRegister(world), to === from) : fullRegister(world),
      definitions: known,
      context: { channel },
    })
  const areLinked = (a: string, b: string) =>
    Object.values(SMALL_WORLD.alliances).some((members) => members.includes(a) && members.includes(b))
  const isWhole = ({ send, redact }: ReturnType<typeof decide>) => send && redact.length === 0
  const mayHold: Oracle['mayHold'] = (secret, slug) =>
    secret.author === slug || (areLinked(secret.author, slug) && isWhole(asks(secret, secret.author, slug, 'node')))
  return {
    mayHold,
    mayMirror: (secret, server, peer) => mayHold(secret, server) && isWhole(asks(secret, server, peer, 'node')),
    mayRead: (secret, server, reader) => {
      if (!mayHold(secret, server)) return false
      return reader === server || isWhole(asks(secret, server, reader, 'client'))
    },
  }
}

/**
 * The object as its log tells it to a node: a community that is all the alliances in which the node knows the author is
 * what GREEN says by itself, so it is no caveat there.
 */
function asSeenAt(world: World, { author, object, community }: Secret, server: string): JsonObject {
  const register = world.node(server).directory.register()
  const authorId = world.node(author).config.member
  const known = register.alliances().filter((slug) => register.alliance(slug)?.has(authorId))
  const isDefault = community !== undefined && known.every((slug) => slug === community)
  return isDefault ? { ...object, object_marking_refs: [TLP_ID.get('green') ?? ''] } : object
}

/** Everybody of both alliances, as a node in both sees them. */
const fullRegister = (world: World): Register => world.node('jp-nco').directory.register()

/** Who declared nothing in a charter counts, over HTTP, as not knowing caveats. */
function undeclared(register: Register, isOwn: boolean): Register {
  if (isOwn) return register
  const organisations = [...register.organisations()].map((org) => ({ ...org, caveats: org.caveats ?? false }))
  const alliances = new Map(register.alliances().map((slug) => [slug, register.alliance(slug) ?? new Set<string>()]))
  return toRegister({ organisations, alliances })
}
