import type { Millis } from '#base'
import type { StreamPattern, TestSet } from '#stix'
import type { EventRef } from './rule.ts'

/** Most events kept for one observer and pattern: REPEATS up to this number can be counted. */
export const KEPT_PER_PATTERN_MAX = 512
/** Most events kept in all, about 150 bytes each: 30 MB. */
export const KEPT_MAX = 200_000
/** Most observers of which events are kept: hosts and sensors. */
export const OBSERVERS_MAX = 10_000

/** Who saw an event: the stream that it came by, and the host or sensor that it names (empty where it names none). */
export interface Observer {
  readonly stream: string
  readonly host: string
}

/** An event that satisfies some observation expressions of a pattern. */
export interface KeptEvent {
  /** Time of the event in µs since 1970, as patterns count it. */
  readonly at: number
  readonly time: Millis
  readonly tests: TestSet
  readonly ref: EventRef
  /** Its place in the order of arrival. */
  readonly arrival: number
}

/** Bounds of what is kept; for tests. */
export interface KeptBounds {
  perPattern: number
  total: number
  observers: number
}

/** A pattern with events. */
export interface Keeper {
  readonly stream: StreamPattern
  /** The shelves that hold events of it. */
  readonly shelves: Set<Shelf>
}

/** What is kept of one observer: for each pattern its events by time. */
interface Shelf {
  readonly stream: Stream
  readonly host: string
  readonly events: Map<Keeper, KeptEvent[]>
  size: number
}

/** What is kept of one stream; observers in the order in which they were last heard of. */
interface Stream {
  readonly name: string
  readonly shelves: Map<string, Shelf>
  size: number
}

/**
 * The events that patterns over several events may still need, by observer.
 *
 * Nothing expires by a clock, and no event makes others expire by its time alone: a sensor whose clock runs ahead costs
 * nobody else's events. Events go when there is no room: in one pattern the first to arrive of those that satisfy the
 * same expressions as most others, so that a common event never pushes out a rare one; in all, the observer that was
 * silent for longest, of the stream that holds most, so that a flood costs the stream it came by.
 */
export class KeptEvents {
  readonly #bounds: KeptBounds
  readonly #streams = new Map<string, Stream>()
  #size = 0
  #observers = 0
  #arrivals = 0
  /** Events that went for lack of room although a newer one could still have needed them. */
  dropped = 0

  constructor(bounds: Partial<KeptBounds> = {}) {
    this.#bounds = { perPattern: KEPT_PER_PATTERN_MAX, total: KEPT_MAX, observers: OBSERVERS_MAX, ...bounds }
  }

  get size(): number {
    return this.#size
  }

  get observers(): number {
    return this.#observers
  }

  /** Keeps an event; the events of its observer that may stand in one binding with it, by time, and its place there. */
  add(
    keeper: Keeper,
    observer: Observer,
    event: Omit<KeptEvent, 'arrival'>,
  ): { near: readonly KeptEvent[]; newest: number } {
    const shelf = this.#shelf(observer)
    const events = shelf.events.get(keeper) ?? []
    if (events.length === 0) {
      shelf.events.set(keeper, events)
      keeper.shelves.add(shelf)
    }
    const kept = { ...event, arrival: this.#arrivals++ }
    const place = firstAfter(events, event.at)
    events.splice(place, 0, kept)
    this.#count(shelf, 1)
    const from = firstAfter(events, event.at - keeper.stream.span - 1)
    const to = firstAfter(events, event.at + keeper.stream.span)
    const near = events.slice(from, to)
    this.#makeRoom(keeper, shelf, events, kept)
    return { near, newest: place - from }
  }

  /** Drops everything kept for a pattern. */
  forget(keeper: Keeper): void {
    for (const shelf of keeper.shelves) {
      this.#count(shelf, -(shelf.events.get(keeper)?.length ?? 0))
      shelf.events.delete(keeper)
      if (shelf.events.size === 0) this.#remove(shelf)
    }
    keeper.shelves.clear()
  }

  #shelf({ stream: name, host }: Observer): Shelf {
    let stream = this.#streams.get(name)
    if (!stream) {
      stream = { name, shelves: new Map(), size: 0 }
      this.#streams.set(name, stream)
    }
    let shelf = stream.shelves.get(host)
    if (shelf) stream.shelves.delete(host)
    else {
      shelf = { stream, host, events: new Map(), size: 0 }
      this.#observers++
    }
    // Put in again at the end: the observer heard of last.
    stream.shelves.set(host, shelf)
    return shelf
  }

  #makeRoom(keeper: Keeper, shelf: Shelf, events: KeptEvent[], newest: KeptEvent): void {
    if (events.length > this.#bounds.perPattern) {
      const [gone] = events.splice(leastNeeded(events), 1)
      this.#count(shelf, -1)
      if (gone && isNear(gone, newest, keeper)) this.dropped++
    }
    while (this.#size > this.#bounds.total || this.#observers > this.#bounds.observers) {
      const victim = this.#victim(shelf)
      if (victim === shelf) return this.#dropEldest(shelf, newest)
      for (const [other, lost] of victim.events) {
        other.shelves.delete(victim)
        for (const event of lost) if (isNear(event, newest, other)) this.dropped++
      }
      this.#count(victim, -victim.size)
      this.#remove(victim)
    }
  }

  /** The observer to give up; the current one only where it is alone. */
  #victim(current: Shelf): Shelf {
    let largest: Stream = current.stream
    for (const stream of this.#streams.values()) if (stream.size > largest.size) largest = stream
    for (const shelf of largest.shelves.values()) if (shelf !== current) return shelf
    for (const stream of this.#streams.values())
      for (const shelf of stream.shelves.values()) if (shelf !== current) return shelf
    return current
  }

  /** One observer fills all the room: the events of the pattern that it has met first go. */
  #dropEldest(shelf: Shelf, newest: KeptEvent): void {
    for (const [keeper, events] of shelf.events) {
      if (events.includes(newest)) continue
      for (const event of events) if (isNear(event, newest, keeper)) this.dropped++
      this.#count(shelf, -events.length)
      shelf.events.delete(keeper)
      keeper.shelves.delete(shelf)
      return
    }
    for (const [keeper, events] of shelf.events) {
      const [gone] = events.splice(leastNeeded(events), 1)
      this.#count(shelf, -1)
      if (gone && isNear(gone, newest, keeper)) this.dropped++
    }
  }

  #count(shelf: Shelf, change: number): void {
    shelf.size += change
    shelf.stream.size += change
    this.#size += change
  }

  #remove({ stream, host }: Shelf): void {
    stream.shelves.delete(host)
    this.#observers--
    if (stream.shelves.size === 0) this.#streams.delete(stream.name)
  }
}

/** Whether a newer event could still have stood in one binding with an event, going by the one that came last. */
const isNear = (event: KeptEvent, newest: KeptEvent, { stream }: Keeper): boolean =>
  Math.abs(event.at - newest.at) <= stream.span

/** Place of the first event later than a time. */
function firstAfter(events: readonly KeptEvent[], at: number): number {
  let low = 0
  for (let high = events.length; low < high;) {
    const middle = (low + high) >>> 1
    if ((events[middle]?.at ?? 0) <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether two sets hold one and the same expression; those of several are told apart by their text. */
const isSameSet = (one: TestSet, other: TestSet): boolean =>
  one === other || (one.length === 1 && other.length === 1 && one[0] === other[0])

/** The first to arrive of those that satisfy the same expressions as most others. */
function leastNeeded(events: readonly KeptEvent[]): number {
  const groups = new Map<string | number, { count: number; eldest: number; arrival: number }>()
  let largest: { count: number; eldest: number } | undefined
  // Mostly one kind of event comes over and over: neighbours share their group, and it is not looked up again.
  let group: { count: number; eldest: number; arrival: number } | undefined
  let groupTests: TestSet | undefined
  for (let at = 0; at < events.length; at++) {
    const { tests, arrival } = events[at] as KeptEvent
    if (!group || !groupTests || !isSameSet(tests, groupTests)) {
      const key = tests.length === 1 ? (tests[0] ?? 0) : tests.join()
      group = groups.get(key)
      if (!group) groups.set(key, (group = { count: 0, eldest: at, arrival }))
      groupTests = tests
    }
    group.count++
    if (arrival < group.arrival) {
      group.eldest = at
      group.arrival = arrival
    }
    if (!largest || group.count > largest.count) largest = group
  }
  return largest?.eldest ?? 0
}
