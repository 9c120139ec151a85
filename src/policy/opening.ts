/**
 * Where things of one marking go: the audience, who it admits, and under an embargo the co-authors' log before the
 * instant. Worked out once per marking, whatever the number of objects.
 * @see docs/wire.md, Audience
 */
import { type Millis, parseTimestamp, timestampMillis } from '#base'
import { type Audience, audienceId } from '#log'
import { admits } from './admits.ts'
import { audienceOf, openAudienceOf, resolvedOf } from './audience.ts'
import { asksAlliances, type Bound, contains, containsAlways, type Moment } from './containment.ts'
import { sharedAlliances } from './level-audience.ts'
import type { Caveats } from './marking.ts'
import { type Recipient, recipientsOf } from './recipients.ts'
import { combine, meaningOf, type Resolved } from './resolve.ts'
import { isUnderEmbargo } from './rows.ts'
import { type Level, stricter } from './tlp.ts'

/** One log to append to. */
export interface Opening {
  readonly audience: Audience
  readonly recipients: readonly Recipient[]
  readonly notBefore?: Millis
}

/** A marking with a level, and everything that follows from it. */
export interface Scope {
  readonly resolved: Resolved & { readonly level: Level }
  /** With defaults written out, as containment compares them. */
  readonly bound: Bound
  /** After any embargo: that of the marking, and that of the cyber-defence community where GREEN is open to it. */
  readonly audiences: readonly Audience[]
  /** Of the first audience. */
  readonly audienceId: string
}

/** How something may come to a reader. */
export interface Way {
  /** From a relay too, not from the author alone. */
  readonly isRelayed: boolean
  readonly isAfterEmbargo: boolean
}

const EVERY_WAY: Way = { isRelayed: true, isAfterEmbargo: true }

/** The scopes of one release. */
export class Scopes {
  readonly #moment: Moment
  readonly #now: Millis
  readonly #drill: string | undefined
  readonly #byMeaning = new Map<string, Scope>()
  readonly #byResolved = new Map<Resolved, Scope>()
  readonly #openings = new Map<Scope, readonly Opening[]>()
  readonly #reach = new Map<string, ReadonlySet<string>>()
  readonly #contains = new Map<Scope, Map<Scope, boolean>>()
  readonly #joins = new Map<Scope, Map<Resolved, Scope>>()

  constructor(moment: Moment, now: Millis, drill: string | undefined) {
    this.#moment = moment
    this.#now = now
    this.#drill = drill
  }

  /** The scope of a marking, the same for markings that mean the same. A contradiction admits nobody. */
  of(resolved: Resolved): Scope {
    let scope = this.#byResolved.get(resolved)
    if (scope === undefined) {
      const meaning = meaningOf(resolved) + String(resolved.isUnknown || resolved.isConflict)
      scope = this.#byMeaning.get(meaning) ?? this.#toScope(resolved)
      this.#byMeaning.set(meaning, scope)
      this.#byResolved.set(resolved, scope)
    }
    return scope
  }

  /**
   * Those whom both markings admit. A list of names in one of them opens a level by itself, so it keeps only names that
   * the other admits too.
   */
  join(scope: Scope, other: Resolved): Scope {
    if (scope.resolved === other) return scope
    const joins = this.#joins.get(scope) ?? new Map<Resolved, Scope>()
    this.#joins.set(scope, joins)
    const joined = joins.get(other) ?? this.of(this.#named(this.#both(scope.resolved, other), scope, other))
    joins.set(other, joined)
    return joined
  }

  /**
   * What each side says for its own level: participants bind at RED alone, co-authors under an embargo alone, and a side
   * that lists nobody keeps what its own level asks, beside a community or a list of the other side. So whoever is listed
   * and later loses what the other marking asks loses the object too.
   */
  #both(left: Resolved, right: Resolved): Resolved {
    const level = stricter(left.level, right.level)
    const sides = [left, right]
    const hasCommunity = sides.some(({ caveats }) => caveats.community !== undefined)
    const isRed = level === 'red'
    const hasList = sides.some((side) => side.caveats.distribution !== undefined || side.level === 'red')
    const isOfAlliances = !isRed && sides.some(asksAlliances)
    const [a, b] = sides.map((side): Resolved => {
      const caveats: { -readonly [Name in keyof Caveats]: Caveats[Name] } = { ...side.caveats }
      if (isRed && side.level !== 'red') delete caveats.participants
      if (!isUnderEmbargo(side, this.#moment.now)) {
        delete caveats.embargoUntil
        delete caveats.coauthors
      }
      const isForOwnAlliances = side.level === 'green' || (side.level === 'amber' && caveats.distribution === undefined)
      if ((hasCommunity || hasList) && isForOwnAlliances) caveats.community ??= this.#ownAlliances()
      if (isRed && side.level === 'amber+strict' && caveats.distribution === undefined)
        caveats.alliances ??= this.#ownAlliances()
      // At RED an epoch asks the author's membership too, which RED itself does not.
      if (isRed && asksAlliances(side) && caveats.grantees === undefined)
        caveats.epochs ??= sides.find((one) => one.caveats.epochs)?.caveats.epochs ?? epochsOf(this.#ownAlliances())
      // As a distribution the list would stand for the alliances, which the other side asks for.
      if (isOfAlliances && caveats.distribution !== undefined) {
        const named = caveats.distribution.union(this.#providers())
        caveats.orgs = caveats.orgs?.intersection(named) ?? named
        delete caveats.distribution
      }
      return { ...side, caveats }
    }) as [Resolved, Resolved]
    return combine(a, b)
  }

  /** Where the two name different communities, those who are in both are listed one by one. */
  #named(both: Resolved, scope: Scope, other: Resolved): Resolved {
    const { caveats } = both
    const isApart = both.isConflict && !other.isConflict
    if (both.isUnknown || (both.isConflict && !isApart)) return both
    if (!isApart && caveats.distribution === undefined && caveats.participants === undefined) return both
    const admitted = this.#reachOfAll(scope.audiences, false)
    const others = other.level === undefined ? admitted : this.#reachOfAll(this.of(other).audiences, false)
    const keep = (names: ReadonlySet<string>) =>
      new Set([...names].filter((name) => this.#isIn(name, admitted) && this.#isIn(name, others)))
    const lists = {
      ...(isApart && this.#inBoth(both, scope.resolved, other)),
      ...(isApart && caveats.distribution === undefined && { orgs: keep(caveats.orgs ?? admitted) }),
      ...(caveats.distribution && { distribution: keep(caveats.distribution) }),
      ...(caveats.participants && both.level === 'red' && { participants: keep(caveats.participants) }),
    }
    return { ...both, caveats: { ...caveats, ...lists }, isConflict: false }
  }

  /** One of two communities as such; the other as epochs of whoever is a member, which bind beside it. */
  #inBoth({ caveats: { epochs }, level }: Resolved, one: Resolved, other: Resolved): Caveats {
    const [first = NOBODY, second] = [one, other].map(({ caveats }) => caveats.community).filter((list) => list)
    const inOther = epochsOf(second ?? this.#ownAlliances())
    const rest = level === 'red' && epochs ? epochs.intersection(inOther) : (epochs ?? inOther)
    // Who is in no alliance is a client, and reports to its provider.
    return { community: first, ...(second || rest.size > 0 ? { epochs: rest } : {}) }
  }

  #providers(): ReadonlySet<string> {
    return new Set(this.#moment.register.org(this.#moment.author)?.clientOf)
  }

  #ownAlliances(): ReadonlySet<string> {
    return new Set(sharedAlliances([this.#moment.author], this.#moment.register))
  }

  #isIn(name: string, ids: ReadonlySet<string>): boolean {
    const org = this.#moment.register.org(name)
    return org !== undefined && ids.has(org.id)
  }

  /** Whether whoever the narrow scope admits is admitted by the wide one, now. */
  containsNow(wide: Scope, narrow: Scope): boolean {
    return wide === narrow || contains(wide.bound, narrow.bound, this.#moment)
  }

  /** Whether whoever the narrow scope admits is admitted by the wide one, now and under later charters. */
  contains(wide: Scope, narrow: Scope): boolean {
    if (wide === narrow) return true
    const known = this.#contains.get(wide) ?? new Map<Scope, boolean>()
    this.#contains.set(wide, known)
    const answer = known.get(narrow) ?? containsAlways(wide.bound, narrow.bound, this.#moment)
    known.set(narrow, answer)
    return answer
  }

  /** The logs that a rendition of this scope goes to. */
  openings(scope: Scope): readonly Opening[] {
    let openings = this.#openings.get(scope)
    if (openings === undefined) {
      const { resolved, audiences } = scope
      const { embargoUntil, coauthors = NOBODY } = resolved.caveats
      openings = audiences.map((audience) => this.#opening(audience))
      if (embargoUntil !== undefined && isUnderEmbargo(resolved, this.#moment.now)) {
        const early = this.#audiencesOf(withMembers(resolved, coauthors)).map((audience) => this.#opening(audience))
        openings = [...early, ...openings.map((opening) => ({ ...opening, notBefore: instantOf(embargoUntil) }))]
      }
      this.#openings.set(scope, openings)
    }
    return openings
  }

  /** Ids of those whom the scope reaches. */
  reach(scope: Scope, { isRelayed, isAfterEmbargo }: Way = EVERY_WAY): ReadonlySet<string> {
    const early = isAfterEmbargo ? [] : this.openings(scope).filter(({ notBefore }) => notBefore === undefined)
    return this.#reachOfAll(early.length > 0 ? early.map(({ audience }) => audience) : scope.audiences, isRelayed)
  }

  #reachOfAll(audiences: readonly Audience[], isRelayed: boolean): ReadonlySet<string> {
    const [first, second] = audiences.map((audience) => this.#reachOf(audience, isRelayed))
    return second ? (first ?? NOBODY).union(second) : (first ?? NOBODY)
  }

  #reachOf(audience: Audience, isRelayed: boolean): ReadonlySet<string> {
    const key = audienceId(audience) + String(isRelayed)
    let reached = this.#reach.get(key)
    if (reached === undefined) {
      reached = this.#admitted(audience, isRelayed)
      this.#reach.set(key, reached)
    }
    return reached
  }

  #admitted(audience: Audience, isRelayed: boolean): ReadonlySet<string> {
    const { author, register } = this.#moment
    const reached = new Set<string>()
    for (const org of register.organisations()) {
      const servers = [author, ...(isRelayed ? org.clientOf.filter((provider) => provider !== author) : [])]
      const common = { audience, author, reader: org.id, channel: 'node', register, now: this.#now } as const
      if (org.id !== author && servers.some((server) => admits({ ...common, server }).send)) reached.add(org.id)
    }
    return reached
  }

  #toScope(given: Resolved): Scope {
    const isClosed = given.isUnknown || given.isConflict || given.level === undefined
    const level = given.level ?? 'red'
    const resolved = { ...given, level, isUnknown: false, isConflict: false }
    const scope = isClosed ? withMembers(resolved, new Set()) : this.#listed(resolved)
    const audiences = this.#audiencesOf(scope)
    const { embargoUntil, coauthors } = scope.caveats
    const embargo = { ...(embargoUntil !== undefined && { embargoUntil }), ...(coauthors && { coauthors }) }
    const [audience, open] = audiences
    const written = resolvedOf(audience)
    const bound: Bound = {
      ...written,
      caveats: { ...written.caveats, ...embargo },
      ...(open && { openTo: new Set(open.distribution) }),
    }
    return { resolved: scope, bound, audiences, audienceId: audienceId(audience) }
  }

  /**
   * AMBER+STRICT for members of somebody else's alliance is for those of them who share one with the author too; they
   * are listed one by one, so that an alliance which the author joins later opens nothing old.
   */
  #listed(resolved: Resolved & { readonly level: Level }): Resolved & { readonly level: Level } {
    const { level, caveats } = resolved
    if (level !== 'amber+strict' || caveats.distribution !== undefined || caveats.alliances === undefined)
      return resolved
    if (caveats.grantees !== undefined) return resolved
    if (caveats.alliances.isSubsetOf(this.#ownAlliances())) return resolved
    return withMembers(resolved, this.#reachOfAll(this.#audiencesOf(resolved), false))
  }

  #opening(audience: Audience): Opening {
    const { author, register } = this.#moment
    return { audience, recipients: recipientsOf({ audience, author, register, now: this.#now }) }
  }

  #audiencesOf(resolved: Resolved & { readonly level: Level }): [Audience, ...Audience[]] {
    const { author, register } = this.#moment
    const open = openAudienceOf(resolved, author, register, this.#drill)
    return [audienceOf(resolved, author, register, this.#drill), ...(open ? [open] : [])]
  }
}

const NOBODY: ReadonlySet<string> = new Set()

/** Epochs of whoever is a member. */
const epochsOf = (alliances: ReadonlySet<string>) => new Set([...alliances].map((slug) => `${slug}:0`))

/** The marking, restricted to these organisations as well. */
function withMembers<Marked extends { readonly caveats: Caveats }>(
  marked: Marked,
  members: ReadonlySet<string>,
): Marked {
  const orgs = marked.caveats.orgs?.intersection(members) ?? members
  return { ...marked, caveats: { ...marked.caveats, orgs } }
}

/** The first whole millisecond at which the embargo is over. */
function instantOf(timestamp: string): Millis {
  const isWhole = (parseTimestamp(timestamp)?.fraction.length ?? 0) <= 3
  return timestampMillis(timestamp) + (isWhole ? 0 : 1)
}
