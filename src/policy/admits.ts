/**
 * The question per log, asked on every request: may this reader have this log from this server? It is `decide` on the
 * log's audience; standing, caps, channel, own clients and carriers are weighed here, every time anew.
 * @see DESIGN section 1; SHARING-RULES section 3
 */
import { type Millis, toTimestamp } from '#base'
import type { Audience } from '#log'
import { resolvedOf, withoutDefaults } from './audience.ts'
import { type Decision, refusal } from './decide.ts'
import { type Answer, type Channel, type Passage, sharedAlliances } from './level-audience.ts'
import type { ReasonCode } from './reason.ts'
import type { Organisation, Register } from './register.ts'
import type { Resolved } from './resolve.ts'
import { decideCaveats, decideMarking, onwardOf } from './rows.ts'

/** May `reader` have the log from `server`? Organisations are named by id or slug. */
export interface AdmitsRequest {
  readonly audience: Audience
  /** Whose log it is. */
  readonly author: string
  /** Who would serve it: the author, or a member that mirrors it. */
  readonly server: string
  /** Who asks; null is anybody, unidentified. */
  readonly reader: string | null
  readonly channel: Channel
  readonly register: Register
  readonly now: Millis
  /** Ids of the drills that are accepted now. Absent: the caller has judged that itself. */
  readonly drills?: readonly string[]
  /** What the reader's program was declared to know; over a link both are part of the protocol. */
  readonly declared?: { readonly caveats?: boolean; readonly tlpVersion?: 1 | 2 }
}

/** Decides whether the whole log may go to the reader. Nothing of a log is ever redacted. */
export function admits(request: AdmitsRequest): Decision {
  const { audience, register, drills } = request
  const reader = request.reader === null ? ANYBODY : register.org(request.reader)
  if (reader?.standing !== 'active') return refusal('RECIPIENT_SUSPENDED')
  if (audience.drill !== undefined && drills !== undefined && !drills.includes(audience.drill)) return refusal('DRILL')
  const resolved = resolvedOf(audience)
  const asks = passages(request, declaredAs(reader, request))
  let first: Decision | undefined
  for (const passage of asks) {
    const decision = decideLog(resolved, passage)
    if (decision.send) return decision
    first ??= decision
  }
  return first ?? refusal('NOT_IN_SCOPE')
}

/** Whoever asks without saying who it is. */
const ANYBODY: Organisation = {
  id: 'public',
  slug: 'public',
  nation: null,
  kind: 'public',
  sectors: [],
  clientOf: [],
  standing: 'active',
}

/** Caveats count as known where they were declared, and over a link, which is Noroshi's own. */
function declaredAs(reader: Organisation, { channel, declared = {} }: AdmitsRequest): Organisation {
  const caveats = declared.caveats ?? reader.caveats ?? channel === 'node'
  const tlpVersion = declared.tlpVersion ?? reader.tlpVersion
  return { ...reader, caveats, ...(tlpVersion !== undefined && { tlpVersion }) }
}

function decideLog(resolved: Resolved, passage: Passage): Decision {
  const { source, register } = passage
  const bare = withoutDefaults(resolved, source, register)
  const answer = decideMarking(forRelay(resolved, passage), passage, false)
  if (!answer.send) return refusal(answer.code)
  const legacy = answer.code === 'TO_SOURCE' ? undefined : decideCaveats(bare, passage)
  if (legacy) return refusal(legacy.code)
  return { send: true, code: codeOf(answer), redact: [], onward: onwardOf(resolved, passage) }
}

/** A relay carries GREEN into those alliances alone that it shares with the author. */
function forRelay(resolved: Resolved, { sender, source, register }: Passage): Resolved {
  const { community } = resolved.caveats
  if (sender === source || resolved.level !== 'green' || community === undefined) return resolved
  const shared = community.intersection(new Set(sharedAlliances([sender, source], register)))
  return { ...resolved, caveats: { ...resolved.caveats, community: shared } }
}

const codeOf = ({ code }: Answer) => code as ReasonCode

/** The ways in which the server may give it to the reader, the plain one first. */
function* passages(request: AdmitsRequest, recipient: Organisation): Iterable<Passage> {
  const { register } = request
  const [source, server] = [request.author, request.server].map((name) => register.org(name)?.id ?? name) as [
    string,
    string,
  ]
  const passage: Passage = {
    register,
    now: toTimestamp(request.now),
    sender: server,
    source,
    recipient,
    channel: request.channel,
    isCarried: false,
    isViaClient: false,
    isGreenOpen: register.opensGreen(source),
  }
  if (server === source) return yield passage
  const isOwn = recipient.id === server
  if (isOwn) {
    yield { ...passage, sender: source }
    for (const provider of recipient.clientOf)
      if (provider !== source) yield* relayed(request, { ...passage, sender: provider })
    return
  }
  yield* relayed(request, passage)
  if (isCarrier(server, source, register)) yield { ...passage, sender: source, isCarried: true }
}

/** A relay that got the log as a client of another relay may pass less on. */
function* relayed(request: AdmitsRequest, passage: Passage): Iterable<Passage> {
  const { register, source, sender } = passage
  const relay = register.org(sender)
  if (relay === undefined) return
  const fromSource = { ...passage, sender: source, recipient: relay, channel: 'node' as const }
  yield { ...passage, isViaClient: !decideMarking(resolvedOf(request.audience), fromSource, false).send }
}

/**
 * A carrier serves logs of authors who stand in the charter that names it; a provider those of clients that run nodes of
 * their own, because the charter lets them speak through it.
 */
const isCarrier = (server: string, author: string, register: Register) =>
  sharedAlliances([server, author], register).some((slug) => register.carriers(slug).has(server)) ||
  isProviderOf(server, author, register)

const isProviderOf = (server: string, author: string, register: Register) => {
  const org = register.org(author)
  return org?.hasNode === true && org.clientOf.includes(server)
}
