import { classesOf } from './classes.ts'

/**
 * Aho–Corasick automaton over small ASCII needles, as one dense table of states × character classes.
 */
export class NeedleSearch {
  readonly #classes: Uint8Array
  readonly #width: number
  readonly #next: Int32Array
  readonly #outputs: (Int32Array | undefined)[]

  /** `needles[i]` reports the numbers `owners[i]`. */
  constructor(needles: ReadonlyMap<string, readonly number[]>) {
    const { classes, width } = classesOf(needles.keys())
    this.#classes = classes
    this.#width = width
    const { next, outputs } = build(needles, classes, width)
    this.#next = next
    this.#outputs = outputs
  }

  /** Calls `found` for each needle that stands in the bytes, maybe more than once. */
  search(bytes: Uint8Array, found: (owners: Int32Array) => void): void {
    const next = this.#next
    const classes = this.#classes
    const width = this.#width
    let state = 0
    for (let i = 0; i < bytes.length; i++) {
      const packed = next[state * width + classes[bytes[i]!]!]!
      // The sign bit says that the state has outputs.
      if (packed < 0) {
        state = ~packed
        found(this.#outputs[state]!)
      } else state = packed
    }
  }
}

function build(needles: ReadonlyMap<string, readonly number[]>, classes: Uint8Array, width: number) {
  const edges: Map<number, number>[] = [new Map()]
  const own: number[][] = [[]]
  for (const [needle, owners] of needles) {
    let state = 0
    for (let i = 0; i < needle.length; i++) {
      const kind = classes[needle.charCodeAt(i)]!
      let to = edges[state]!.get(kind)
      if (to === undefined) {
        to = edges.push(new Map()) - 1
        own.push([])
        edges[state]!.set(kind, to)
      }
      state = to
    }
    own[state]!.push(...owners)
  }
  const next = new Int32Array(edges.length * width)
  const fail = new Int32Array(edges.length)
  const order: number[] = []
  for (const [kind, to] of edges[0]!) {
    next[kind] = to
    order.push(to)
  }
  for (let i = 0; i < order.length; i++) {
    const state = order[i]!
    const back = fail[state]!
    own[state]!.push(...own[back]!)
    for (let kind = 0; kind < width; kind++) {
      const to = edges[state]!.get(kind)
      const through = next[back * width + kind]!
      if (to === undefined) next[state * width + kind] = through
      else {
        next[state * width + kind] = to
        fail[to] = through
        order.push(to)
      }
    }
  }
  const outputs = own.map((owners) => (owners.length === 0 ? undefined : Int32Array.from(new Set(owners))))
  for (let i = 0; i < next.length; i++) if (outputs[next[i]!]) next[i] = ~next[i]!
  return { next, outputs }
}
