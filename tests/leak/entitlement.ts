// Who may have what, read from the text of the sharing rules and from nothing of the product: sections 1 to 4, for what
// generated worlds hold.
import type { Found, Part } from './markers.ts'
import { both, CONSENTS, type Meaning, meaningOf } from './meaning.ts'
import { better, mayPass, type May, type Passage, worse } from './passage.ts'
import { type Fixed, isMember, knowsBoth, knownTo, shared, type View } from './standing.ts'
import { ALLIANCES, ORGS, type Server, type Thing } from './world-plan.ts'

/** An object version as it was released. */
export interface Released {
  thing: Thing
  fixed: Fixed
  at: number
  /** Refused at its publication: nobody has it. */
  isRefused: boolean
  isRecalled: boolean
  /** A newer version with another marking. */
  newer?: number
  grants?: readonly { to: ReadonlySet<string>; until: number }[]
  /** Asked as if no grant of it had ended. */
  isStillGranted?: true
}

/** What the oracle knows of the world now. */
export interface Known {
  now: number
  released: ReadonlyMap<number, Released>
  views: ReadonlyMap<Server, View>
  /** What servers could have earlier: `server number part`. */
  held: ReadonlySet<string>
  /** Numbers of what was published in this step. */
  fresh: ReadonlySet<number>
}

/** Answers for every marker, server and reader; asked once and remembered until the world changes. */
export class Oracle {
  readonly #known: Known
  readonly #answers = new Map<string, May>()

  constructor(known: Known) {
    this.#known = known
  }

  /** Whether a reader may have over the web, at a server, what the marker stands for. */
  reads(found: Found, server: Server, reader: string): May {
    return this.#ask(found, server, reader, true)
  }

  /** Whether the id stands for something that the reader could be shown now: else it must answer as absent. */
  stands(found: Found, server: Server, reader: string): May {
    return this.#versions(found.object)
      .map((one) => this.#whole(one, server, reader, true))
      .reduce(better, 'no')
  }

  #versions = (n: number): Released[] =>
    [...this.#known.released.values()].filter(({ thing }) => (thing.of ?? thing.n) === n)

  /** Whether a member may have it over the link. */
  mirrors(found: Found, server: Server, peer: string): May {
    return this.#ask(found, server, peer, false)
  }

  /** Whether the server may have it at all. */
  holds(found: Found, server: Server): May {
    return this.#ask(found, server, server, true)
  }

  #ask(found: Found, server: Server, reader: string, isWeb: boolean): May {
    const key = `${found.part}${found.object} ${server} ${reader} ${isWeb}`
    const known = this.#answers.get(key)
    if (known) return known
    const answer = this.#ownOr(found, reader, this.#answer(found, server, reader, isWeb))
    this.#answers.set(key, answer)
    return answer
  }

  /** What somebody wrote itself is no secret from it, though not everywhere to be had. */
  #ownOr({ object }: Found, reader: string, may: May): May {
    return this.#known.released.get(object)?.thing.author === reader ? 'free' : may
  }

  #answer(found: Found, server: Server, reader: string, isWeb: boolean): May {
    const { released } = this.#known
    if (found.part === 'i') {
      // An id stays the same over versions: who may have one of them whole has the id.
      const versions = this.#versions(found.object)
      const may = versions.map((one) => this.#whole(one, server, reader, isWeb)).reduce(better, 'no')
      if (may !== 'no') return may
      // Of what was refused nothing is known here, so a later object may name it.
      if (versions.some((one) => one.isRefused && !this.#known.fresh.has(one.thing.n))) return 'free'
      if (versions.some((one) => this.#isNamedInRed(one, server, reader, isWeb))) return 'free'
      // What was taken back may still be named by what referred to it when it was there, and over links by its grant.
      const lasting = isWeb ? {} : { isStillGranted: true }
      const before = versions.map((one) => ({ ...one, isRecalled: false, newer: undefined, ...lasting }) as Released)
      return worse('free', before.map((one) => this.#whole(one, server, reader, isWeb)).reduce(better, 'no'))
    }
    const one = released.get(found.object)
    if (!one) return 'no'
    if (found.part === 'm') {
      // A definition is an object of its own: it stays where the object that brought it was taken back, or its grant is over.
      const here = { ...one, isRecalled: false, newer: undefined, isStillGranted: true } as Released
      const may = formsOf(one)
        .map((part) => this.#reaches(here, part, server, reader, isWeb))
        .reduce(better, 'no')
      return may === 'yes' ? 'free' : may
    }
    const inside = this.#part(one, found.part, server, reader, isWeb)
    return worse(inside, this.#refs(one, server, reader, isWeb))
  }

  /** Everything that a server could have now, by keys that later oracles are given. */
  holding(server: Server): string[] {
    const keys: string[] = []
    for (const one of this.#known.released.values())
      for (const part of formsOf(one))
        if (one.thing.author !== server && this.#fromAuthor(one, part, server) !== 'no')
          keys.push(`${server} ${one.thing.n} ${part}`)
    return keys
  }

  /** With every part, and every reference. */
  #whole(one: Released, server: Server, reader: string, isWeb: boolean): May {
    const parts = one.thing.granular.map(({ part }) => this.#part(one, part, server, reader, isWeb))
    if (one.thing.creator) parts.push(this.#part(one, 'c', server, reader, isWeb))
    const own = this.#part(one, 'i', server, reader, isWeb)
    const made = [own, ...parts].reduce(worse)
    if (one.thing.refs.length === 0) return made
    if (reader === server || !this.#known.fresh.has(one.thing.n)) return worse(made, 'free')
    const refs = one.thing.refs.map((ref) =>
      this.#ask({ object: idOf(this.#known, ref), part: 'i' }, server, reader, isWeb),
    )
    // Whether references lie within the audience is decided for all of it, not for one reader.
    return worse(worse(made, worse(refs.reduce(worse), this.#refs(one, server, reader, isWeb))), 'free')
  }

  #part(one: Released, part: Part, server: Server, reader: string, isWeb: boolean): May {
    let may = this.#reaches(one, '', server, reader, isWeb)
    const isMarked = (name: Part) => one.thing.granular.some((granular) => granular.part === name)
    if (isMarked(part)) may = worse(may, this.#reaches(one, part, server, reader, isWeb))
    // The whole object goes with what it cannot be without.
    if (part !== 'p' && isMarked('p')) may = worse(may, this.#reaches(one, 'p', server, reader, isWeb))
    if (part === 'c' && reader !== one.thing.author) may = worse(may, maySee(one, reader))
    // A form for nobody is not kept, not even for its author.
    return reader === one.thing.author && one.thing.granular.length > 0 ? worse(may, 'free') : may
  }

  /** What refers to something goes with it where it cannot be without it. */
  #refs(one: Released, server: Server, reader: string, isWeb: boolean): May {
    const { thing } = one
    if (thing.refs.length === 0) return 'yes'
    // What its own people read, the server was given with what it refers to; and what may be referred to is decided once.
    if (reader === server || !this.#known.fresh.has(one.thing.n)) return 'free'
    const any = thing.refs.map((ref) => {
      const target = this.#known.released.get(ref)
      if (!target) return 'no'
      const whole = this.#ask({ object: idOf(this.#known, ref), part: 'i' }, server, reader, isWeb)
      const some = this.#reaches(target, '', server, reader, isWeb)
      if (whole === 'yes') return 'yes'
      // What refers to something that is gone by now was released when it was there.
      return whole === 'no' && some === 'no' && !isGone(target) ? 'no' : 'free'
    })
    return thing.type === 'relationship' ? any.reduce<May>(worse, 'free') : worse(any.reduce<May>(better, 'no'), 'free')
  }

  /** Whether the author's own server would give it to another, by its charters or by others. */
  #fromAuthor(one: Released, part: Part | '', server: Server, by?: View): May {
    const { views, now, released } = this.#known
    const { author } = one.thing
    if (one.isRefused) return 'no'
    const view = by ?? (views.get(author) as View)
    const fixed = fixedOf(one, released)
    return this.#pass(one, part, { view, sender: author, source: author, to: server, fixed, now, isWeb: false })
  }

  /** By the audience of the part's marking, or by a grant. */
  #pass(one: Released, part: Part | '', passage: Passage): May {
    const m = inherited(one, ofPart(one, part), this.#known.released)
    const asked = { ...passage, isRaised: this.#isRaised(one) }
    const may = mayPass(m, asked)
    return may === 'yes' || !this.#isGranted(one, m, passage.to)
      ? may
      : better(may, mayPass(m, { ...asked, isGranted: true }))
  }

  /** Of an earlier step, and beside something RED that it refers to. */
  #isRaised({ thing }: Released): boolean {
    const levelOf = (ref: number) => this.#known.released.get(ref)?.thing.mark.tlp
    return !this.#known.fresh.has(thing.n) && thing.refs.some((ref) => levelOf(ref) === 'red')
  }

  /** What is RED and of an earlier step names it, to a participant that went back to TLP 1.0: no other rule refuses that one. */
  #isNamedInRed(one: Released, server: Server, reader: string, isWeb: boolean): boolean {
    const { released, views, fresh, now } = this.#known
    const { thing, fixed } = one
    const isNaming = (other: Released) =>
      !fresh.has(other.thing.n) &&
      (other.thing.mark.tlp === 'red' || this.#isRaised(other)) &&
      targetsOf(other, released).includes(one) &&
      this.#reaches(other, '', server, reader, isWeb) !== 'no'
    if (server !== thing.author || ![...released.values()].some(isNaming)) return false
    const view = views.get(server) as View
    const asked = { view, sender: server, source: server, to: reader, fixed, now, isWeb, isRaised: true }
    return mayPass(meaning(one), asked) !== 'no'
  }

  /** A grant above GREEN is of one version; up to GREEN also of later ones, as long as they are no stricter. */
  #isGranted(one: Released, { level }: Meaning, to: string): boolean {
    const isLow = level === 'clear' || level === 'green'
    const now = one.isStillGranted ? -Infinity : this.#known.now
    return this.#versions(one.thing.of ?? one.thing.n).some(
      (other) =>
        (other.thing.n === one.thing.n || isLow) &&
        other.grants?.some((grant) => grant.to.has(to) && now < grant.until) === true,
    )
  }

  /** Whether a part (or the object, '') comes from its author over the server to the reader. */
  #reaches(one: Released, part: Part | '', server: Server, reader: string, isWeb: boolean): May {
    if (one.isRefused) return 'no'
    const { released, held, views } = this.#known
    const { author, n } = one.thing
    if (server === author) {
      const may = this.#served(one, part, server, reader, isWeb)
      return may === 'no' || one.isRecalled ? 'no' : this.#withNewer(one, may, server, reader, isWeb, released)
    }
    let now = this.#fromAuthor(one, part, server)
    // Where the two know different charters, the receiver may refuse what the author may send, by all or by those that name the author.
    const here = views.get(server) as View
    const isKnownThere = one.fixed.alliances.every((alliance) => isMember(here, alliance, author))
    const isTaken = [here, knownTo(here, author)].every((by) => this.#fromAuthor(one, part, server, by) !== 'no')
    if (!isKnownThere || !isTaken) now = worse(now, 'free')
    if (now === 'no' && !held.has(`${server} ${n} ${part}`)) return 'no'
    // Whom its author does not serve any more, with all of its forms and what they name, learns of no recall and of no newer version.
    const isTold =
      this.#areLinked(server, author) &&
      formsOf(one).every((form) => this.#fromAuthor(one, form, server) !== 'no') &&
      targetsOf(one, released).every((target) => this.#fromAuthor(target, '', server) !== 'no')
    if (one.isRecalled && isTold) return 'no'
    const may = worse(this.#served(one, part, server, reader, isWeb), isTold ? now : 'free')
    // What a member rightly got, its own people may go on reading.
    const own = reader === server ? better(may, 'free') : may
    return own === 'no' || !isTold ? own : this.#withNewer(one, own, server, reader, isWeb, released)
  }

  /** Both know a charter that names both, and neither of them has left it. */
  #areLinked = (a: Server, b: Server): boolean =>
    [a, b].every((at) => knowsBoth(this.#known.views.get(at) as View, a, b))

  /** An older version goes where the newer one does not come. */
  #withNewer(
    one: Released,
    may: May,
    server: Server,
    reader: string,
    isWeb: boolean,
    released: Known['released'],
  ): May {
    const newer = one.newer === undefined ? undefined : released.get(one.newer)
    if (!newer || newer.isRefused) return may
    // Before its embargo ends nobody knows of the newer one, so the older one stands as it stood.
    const { embargo } = meaning(newer)
    if (embargo !== undefined && this.#known.now < embargo) return worse('free', may)
    return worse('free', worse(may, this.#reaches(newer, '', server, reader, isWeb)))
  }

  /** Whether a server that has it may give it to the reader, by what the server knows. */
  #served(one: Released, part: Part | '', server: Server, reader: string, isWeb: boolean): May {
    const { views, now, released } = this.#known
    const { author } = one.thing
    const view = views.get(server) as View
    const common = { view, source: author, fixed: fixedOf(one, released), now, to: reader, isWeb } as const
    if (server === author) return this.#pass(one, part, { ...common, sender: author, isOwn: reader === server })
    if (reader === server) return this.#pass(one, part, { ...common, sender: author, isOwn: true })
    const { level } = inherited(one, ofPart(one, part), released)
    const isDirect = this.#pass(one, part, { ...common, sender: author, to: server, isWeb: false }) !== 'no'
    const relayed = isDirect || level !== 'amber' ? this.#pass(one, part, { ...common, sender: server }) : 'no'
    const carries = isCarrier(view, server, author) && level !== 'red'
    const carried = carries
      ? worse('free', this.#pass(one, part, { ...common, sender: author, isCarried: true }))
      : 'no'
    return better(isDirect ? relayed : worse('free', relayed), carried)
  }
}

/** The object, and each of its parts with a marking of its own: one form may hold any of them. */
const formsOf = ({ thing }: Released): (Part | '')[] => ['', ...thing.granular.map(({ part }) => part)]

const isGone = ({ isRecalled, newer, isRefused }: Released) => isRecalled || newer !== undefined || isRefused

const idOf = ({ released }: Known, n: number) => released.get(n)?.thing.of ?? n
const meaning = (one: Released) => meaningOf(one.thing.mark, one.at)

function ofPart(one: Released, part: Part | ''): Meaning {
  const m = meaning(one)
  const own = one.thing.granular.filter((granular) => granular.part === part)
  return own.length === 0 ? m : own.map(({ mark }) => meaningOf(mark, one.at)).reduce(both, m)
}

/**
 * With the marking of what it annotates, an object inherits the alliances that were written out for that.
 */
function fixedOf(one: Released, released: ReadonlyMap<number, Released>): Fixed {
  const { thing, fixed } = one
  if (thing.type !== 'note' && thing.type !== 'sighting') return fixed
  const theirs = thing.refs.flatMap((ref) => released.get(ref)?.fixed.alliances ?? [])
  return { ...fixed, alliances: [...new Set([...fixed.alliances, ...theirs])] }
}

/** What it refers to, in the versions that were there when it was released. */
const targetsOf = (one: Released, released: ReadonlyMap<number, Released>): Released[] =>
  one.thing.refs.flatMap((ref) => {
    const versions = [...released.values()].filter(
      ({ thing, isRefused, at }) => (thing.of ?? thing.n) === ref && !isRefused && at <= one.at,
    )
    return versions.at(-1) ?? []
  })

/** Notes and sightings inherit the strictest marking of what they annotate. */
const inherited = (one: Released, m: Meaning, released: ReadonlyMap<number, Released>): Meaning =>
  one.thing.type !== 'note' && one.thing.type !== 'sighting'
    ? m
    : targetsOf(one, released)
        .map((target) => meaningOf(target.thing.mark, target.at))
        .reduce(both, m)

/** Section 4: the creator is shown as far as the recorded consent goes, and a consent in a part counts for all. */
function maySee(one: Released, reader: string): May {
  const all = [meaning(one), ...one.thing.granular.map(({ mark }) => meaningOf(mark, one.at))]
  const consents = all.flatMap(({ consent }) => consent ?? [])
  if (consents.length === 0) return 'yes'
  const org = ORGS.find(({ slug }) => slug === reader)
  const source = ORGS.find(({ slug }) => slug === one.thing.author)
  const isGovernment = org?.kind === 'national-csirt' || org?.kind === 'agency'
  const isShown = {
    everyone: true,
    gov: isGovernment,
    'own-gov': isGovernment && org?.nation === source?.nation,
    none: false,
  }[CONSENTS[Math.min(...consents)] as string]
  // Its form for governments has a list of kinds, which is a caveat to a program that knows none.
  return isShown ? 'free' : 'no'
}

/** The charter names the server as carrier, and both stand in it. */
const isCarrier = (view: View, server: string, author: string) =>
  ALLIANCES.some(
    (alliance) => view.get(alliance)?.carriers.includes(server) && shared(view, server, author).includes(alliance),
  )
