/**
 * Multimap from 64-bit hashes to entry numbers in flat memory, for tens of millions of entries.
 *
 * The first word chooses one of 1,024 partitions, the second is the tag and the place inside it. Each partition is an
 * open-addressing table of (tag, entry) pairs that grows by itself: growing never stops the world for longer than one
 * thousandth of the table takes, and no rebuilding is needed to add or remove while lookups run.
 * A found entry is a candidate: 42 bits agree. The caller compares the value.
 */
const PARTITION_BITS = 10
const PARTITIONS = 1 << PARTITION_BITS
const FIRST_SLOTS = 8
/** Largest share of used slots (entries and graves) before a partition grows. */
const MAX_LOAD = 0.78
/** Growth keeps load between 0.62 and 0.78: about 11.5 bytes per entry. */
const GROWTH = 1.25
const EMPTY = 0
const GRAVE = 0xffffffff

/** A partitioned open-addressing multimap. Entry numbers are 0 to 2^32 − 3. */
export class HashTable {
  readonly #slots: Uint32Array[] = Array.from({ length: PARTITIONS }, () => new Uint32Array(0))
  readonly #live = new Uint32Array(PARTITIONS)
  readonly #used = new Uint32Array(PARTITIONS)
  size = 0

  /** Bytes of all slots. */
  get bytes(): number {
    let sum = this.#live.byteLength + this.#used.byteLength
    for (const slots of this.#slots) sum += slots.byteLength
    return sum
  }

  add(a: number, b: number, entry: number): void {
    const partition = a >>> (32 - PARTITION_BITS)
    const capacity = (this.#slots[partition]?.length ?? 0) >>> 1
    if ((this.#used[partition] ?? 0) + 1 > capacity * MAX_LOAD) this.#rebuild(partition)
    const slots = this.#slots[partition]!
    place(slots, b, entry + 1)
    this.#live[partition]!++
    this.#used[partition]!++
    this.size++
  }

  /** Removes one pair; false where it is not there. */
  remove(a: number, b: number, entry: number): boolean {
    const partition = a >>> (32 - PARTITION_BITS)
    const slots = this.#slots[partition]!
    const capacity = slots.length >>> 1
    if (capacity === 0) return false
    for (let slot = home(b, capacity); slots[slot * 2 + 1] !== EMPTY; slot = slot + 1 === capacity ? 0 : slot + 1) {
      if (slots[slot * 2] !== b || slots[slot * 2 + 1] !== entry + 1) continue
      slots[slot * 2 + 1] = GRAVE
      this.#live[partition]!--
      this.size--
      return true
    }
    return false
  }

  /** Whether any entry has this hash. */
  has(a: number, b: number): boolean {
    const slots = this.#slots[a >>> (32 - PARTITION_BITS)]!
    const capacity = slots.length >>> 1
    if (capacity === 0) return false
    let slot = home(b, capacity)
    for (;;) {
      const entry = slots[slot * 2 + 1]
      if (entry === EMPTY) return false
      if (slots[slot * 2] === b && entry !== GRAVE) return true
      slot = slot + 1 === capacity ? 0 : slot + 1
    }
  }

  /** Entries with this hash, in no particular order. */
  get(a: number, b: number): number[] {
    const slots = this.#slots[a >>> (32 - PARTITION_BITS)]!
    const capacity = slots.length >>> 1
    const found: number[] = []
    if (capacity === 0) return found
    for (let slot = home(b, capacity); slots[slot * 2 + 1] !== EMPTY; slot = slot + 1 === capacity ? 0 : slot + 1) {
      const entry = slots[slot * 2 + 1]!
      if (slots[slot * 2] === b && entry !== GRAVE) found.push(entry - 1)
    }
    return found
  }

  #rebuild(partition: number): void {
    const old = this.#slots[partition]!
    const live = this.#live[partition]!
    // Mostly graves: the same size again is enough.
    const capacity = Math.max(FIRST_SLOTS, Math.ceil(((live + 1) / MAX_LOAD) * GROWTH))
    const slots = new Uint32Array(capacity * 2)
    for (let i = 0; i < old.length; i += 2) {
      const entry = old[i + 1]!
      if (entry !== EMPTY && entry !== GRAVE) place(slots, old[i]!, entry)
    }
    this.#slots[partition] = slots
    this.#used[partition] = live
  }
}

/** Slot where the search for a tag begins. */
const home = (tag: number, capacity: number): number => Math.floor((tag * capacity) / 0x1_0000_0000)

function place(slots: Uint32Array, tag: number, stored: number): void {
  const capacity = slots.length >>> 1
  let slot = home(tag, capacity)
  while (slots[slot * 2 + 1] !== EMPTY) slot = slot + 1 === capacity ? 0 : slot + 1
  slots[slot * 2] = tag
  slots[slot * 2 + 1] = stored
}
