/** Mutation of JSON by its structure, and a writer that spells the result in every way that the grammar allows. */
import type { Random } from '../random.ts'
import { ODD_NUMBERS, ODD_TEXTS, ODD_TIMES } from './odd-values.ts'

/** A number, or anything else, as it is to stand in the text. */
class Raw {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** JSON to be mutated: objects are lists of members, so that a name can stand twice. */
type Node = null | boolean | number | string | Raw | List | Members
interface List {
  items: Node[]
}
interface Members {
  members: [name: string, value: Node][]
}

const MOST_EDITS = 4
/** Levels of an extra nest: below, at and beyond what the readers take. */
const NESTS = [1, 2, 30, 62, 63, 64, 65, 70, 300]

/** The text of a mutated JSON text; `others` are texts to take parts from. */
export function mutateJson(text: string, others: readonly string[], words: readonly string[], random: Random): string {
  const root: List = { items: [toNode(JSON.parse(text))] }
  for (let edits = random.between(1, MOST_EDITS); edits > 0; edits--) edit(root, others, words, random)
  return write(root.items[0] ?? null, random.once(5) ? random : undefined)
}

function toNode(value: unknown): Node {
  if (Array.isArray(value)) return { items: value.map(toNode) }
  if (typeof value !== 'object' || value === null) return value as Node
  return { members: Object.entries(value).map(([name, inner]) => [name, toNode(inner)]) }
}

const isList = (node: Node): node is List => typeof node === 'object' && node !== null && 'items' in node
const isMembers = (node: Node): node is Members => typeof node === 'object' && node !== null && 'members' in node

/** A place that holds a node: a slot of a list or of an object's members. */
interface Slot {
  holder: List | Members
  at: number
}

function slotsOf(node: Node, into: Slot[] = [], depth = 0): Slot[] {
  if (depth > 100) return into
  if (isList(node))
    for (const [at, item] of node.items.entries()) {
      into.push({ holder: node, at })
      slotsOf(item, into, depth + 1)
    }
  else if (isMembers(node))
    for (const [at, [, value]] of node.members.entries()) {
      into.push({ holder: node, at })
      slotsOf(value, into, depth + 1)
    }
  return into
}

const valueAt = ({ holder, at }: Slot): Node => ('items' in holder ? holder.items[at] : holder.members[at]?.[1]) ?? null

function put({ holder, at }: Slot, value: Node): void {
  if ('items' in holder) holder.items[at] = value
  else if (holder.members[at]) holder.members[at][1] = value
}

function edit(root: List, others: readonly string[], words: readonly string[], random: Random): void {
  const slots = slotsOf(root)
  const slot = random.pick(slots)
  const { holder, at } = slot
  const value = valueAt(slot)
  switch (random.below(13)) {
    case 0:
      return remove(slot, root)
    case 1:
      return duplicate(slot, root, random)
    case 2: {
      const other = random.pick(slots)
      const theirs = valueAt(other)
      // Swapping a node with one inside of it would tie a knot.
      if (typeof theirs !== 'object' || typeof value !== 'object') {
        put(slot, theirs)
        put(other, value)
      } else put(slot, clone(theirs))
      return
    }
    case 3:
      return put(slot, odd(words, random))
    case 4:
      return put(slot, retyped(value, random))
    case 5:
      return put(slot, nest(value, random))
    case 6: {
      const donor = random.pick(others)
      const parts = donor === undefined ? [] : slotsOf(parsed(donor))
      return put(slot, parts.length === 0 ? odd(words, random) : valueAt(random.pick(parts)))
    }
    case 7:
      if ('members' in holder && holder.members[at]) holder.members[at][0] = name(words, random)
      else put(slot, odd(words, random))
      return
    case 8:
      if ('members' in holder) holder.members.push([name(words, random), odd(words, random)])
      else if (holder !== root) holder.items.push(odd(words, random))
      return
    case 9:
      return put(slot, typeof value === 'string' ? text(value, words, random) : odd(words, random))
    case 10: {
      const members = 'members' in holder ? holder.members : undefined
      if (members) members.reverse()
      else if (holder !== root) (holder as List).items.reverse()
      return
    }
    case 11:
      return put(slot, many(value, random))
    default:
      return put(slot, typeof value === 'number' ? near(value, random) : odd(words, random))
  }
}

function remove({ holder, at }: Slot, root: List): void {
  if (holder === root) return
  if ('items' in holder) holder.items.splice(at, 1)
  else holder.members.splice(at, 1)
}

function duplicate(slot: Slot, root: List, random: Random): void {
  const { holder, at } = slot
  if (holder === root) return
  const copy = clone(valueAt(slot))
  if ('items' in holder) holder.items.splice(random.below(holder.items.length + 1), 0, copy)
  else holder.members.splice(random.below(holder.members.length + 1), 0, [holder.members[at]?.[0] ?? '', copy])
}

const clone = (node: Node): Node => structuredCloneNode(node)
function structuredCloneNode(node: Node): Node {
  if (isList(node)) return { items: node.items.map(structuredCloneNode) }
  if (isMembers(node)) return { members: node.members.map(([key, value]) => [key, structuredCloneNode(value)]) }
  return node
}

function parsed(text: string): Node {
  try {
    return toNode(JSON.parse(text))
  } catch {
    return null
  }
}

function odd(words: readonly string[], random: Random): Node {
  switch (random.below(8)) {
    case 0:
      return null
    case 1:
      return random.once(2)
    case 2:
      return new Raw(random.pick(ODD_NUMBERS))
    case 3:
      return random.pick(ODD_TEXTS)
    case 4:
      return random.pick(ODD_TIMES)
    case 5:
      return { items: [] }
    case 6:
      return { members: [] }
    default:
      return words.length > 0 ? random.pick(words) : random.below(1000)
  }
}

const name = (words: readonly string[], random: Random): string =>
  words.length > 0 && !random.once(3) ? random.pick(words) : random.pick(ODD_TEXTS)

function retyped(value: Node, random: Random): Node {
  const written = write(value)
  return random.pick<Node>([
    { items: [value] },
    { members: [['0', value]] },
    written.slice(0, 1000),
    Number.isFinite(Number(written)) ? Number(written) : 1,
    isMembers(value) ? { items: value.members.map(([, inner]) => inner) } : value,
    isList(value) ? (value.items[0] ?? null) : value,
  ])
}

function nest(value: Node, random: Random): Node {
  let node = value
  const inList = random.once(2)
  for (let levels = random.pick(NESTS); levels > 0; levels--)
    node = inList ? { items: [node] } : { members: [['a', node]] }
  return node
}

function many(value: Node, random: Random): Node {
  const size = random.pick([2, 10, 100])
  const weight = write(value).length
  if (weight * size > 20_000) return value
  return { items: Array.from({ length: size }, () => clone(value)) }
}

function text(value: string, words: readonly string[], random: Random): string {
  const at = random.below(value.length + 1)
  const piece = random.once(2) || words.length === 0 ? random.pick(ODD_TEXTS) : random.pick(words)
  switch (random.below(4)) {
    case 0:
      return value.slice(0, at) + piece + value.slice(at)
    case 1:
      return value.slice(0, at) + value.slice(at + random.between(1, 4))
    case 2:
      return value.slice(0, at) + String.fromCharCode(random.below(128)) + value.slice(at + 1)
    default:
      return value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase()
  }
}

const near = (value: number, random: Random): Node =>
  new Raw(
    random.pick([String(value + 1), String(value - 1), String(-value), `${value}.5`, `${value}e2`].filter(isNumber)),
  )
const isNumber = (written: string) => /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/.test(written)

/** The text; with randomness, in odd spelling: spaces, escapes, exponents. */
function write(node: Node, random?: Random): string {
  if (node instanceof Raw) return node.text
  if (isList(node))
    return `[${space(random)}${node.items.map((item) => write(item, random)).join(`,${space(random)}`)}]`
  if (isMembers(node)) {
    const members = node.members.map(
      ([key, value]) => `${quoted(key, random)}${space(random)}:${space(random)}${write(value, random)}`,
    )
    return `{${space(random)}${members.join(`${space(random)},`)}${space(random)}}`
  }
  if (typeof node === 'string') return quoted(node, random)
  if (typeof node === 'number') return Object.is(node, -0) ? '-0' : JSON.stringify(node)
  return String(node)
}

const space = (random?: Random): string => (random?.once(4) ? random.word(' \t\n\r', 1, 3) : '')

function quoted(value: string, random?: Random): string {
  if (!random?.once(3)) return JSON.stringify(value)
  let escaped = ''
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    const plain = unit < 0x80 && !random.once(2)
    escaped += plain ? JSON.stringify(value[i]).slice(1, -1) : `\\u${unit.toString(16).padStart(4, '0')}`
  }
  return `"${escaped}"`
}
