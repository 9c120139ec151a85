/** Needles by their last classes first: what ends at a place is found by walking back from it. */
export class SuffixTrie {
  /** Open hash table of edges: `node × 128 + class` and the node it leads to; node 0 is the root and never a target. */
  #keys = new Int32Array(256)
  #targets = new Int32Array(256)
  #mask = 255
  #nodes = 1
  readonly #outputs: (Int32Array | undefined)[] = [undefined]

  /** Enters a needle as classes 1–127; each needle once. */
  enter(kinds: Uint8Array, owners: Int32Array): void {
    let node = 0
    for (let i = kinds.length - 1; i >= 0; i--) {
      const key = node * WIDTH + kinds[i]!
      const place = this.#place(key)
      if (this.#targets[place] === 0) this.#add(key, this.#nodes++)
      node = this.#targets[this.#place(key)]!
    }
    this.#outputs[node] = owners
  }

  /** Calls `found` for each needle whose last byte stands at `end`. */
  walk(bytes: Uint8Array, end: number, classes: Uint8Array, found: (owners: Int32Array) => void): void {
    const keys = this.#keys
    const targets = this.#targets
    const mask = this.#mask
    let node = 0
    for (let i = end; i >= 0; i--) {
      const kind = classes[bytes[i]!]!
      if (kind === 0) return
      const key = node * WIDTH + kind
      let place = spread(key) & mask
      while (targets[place] !== 0 && keys[place] !== key) place = (place + 1) & mask
      node = targets[place]!
      if (node === 0) return
      const owners = this.#outputs[node]
      if (owners) found(owners)
    }
  }

  #place(key: number): number {
    let place = spread(key) & this.#mask
    while (this.#targets[place] !== 0 && this.#keys[place] !== key) place = (place + 1) & this.#mask
    return place
  }

  #add(key: number, node: number): void {
    const place = this.#place(key)
    this.#keys[place] = key
    this.#targets[place] = node
    this.#outputs.push(undefined)
    if (this.#nodes * 2 > this.#mask) this.#grow()
  }

  #grow(): void {
    const keys = this.#keys
    const targets = this.#targets
    this.#mask = this.#mask * 2 + 1
    this.#keys = new Int32Array(this.#mask + 1)
    this.#targets = new Int32Array(this.#mask + 1)
    for (const [i, target] of targets.entries()) {
      if (target === 0) continue
      const place = this.#place(keys[i]!)
      this.#keys[place] = keys[i]!
      this.#targets[place] = target
    }
  }
}

const WIDTH = 128

function spread(key: number): number {
  const mixed = Math.imul(key, 0x9e37_79b1)
  return mixed ^ (mixed >>> 15)
}
