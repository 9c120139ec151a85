import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document } from 'yaml'
import type { Json } from '#base'
import { DetectError } from '../error.ts'

/** Largest rule file, in characters. */
export const RULE_MAX = 1_048_576
const DEPTH_MAX = 32
const NODES_MAX = 50_000

/**
 * Reads YAML into JSON values under limits on size, depth and the number of nodes after aliases are expanded.
 *
 * A number keeps its spelling where that differs from its value (`0x1410` is the text `0x1410`), since events carry text.
 * @throws DetectError SIGMA_YAML, SIGMA_LIMIT
 */
export function parseRuleYaml(text: string): Json {
  if (text.length > RULE_MAX)
    throw new DetectError('SIGMA_LIMIT', `A rule of ${text.length} characters; the limit is ${RULE_MAX}.`)
  const document = parse(text)
  const fault = document.errors[0]
  if (fault)
    throw new DetectError('SIGMA_YAML', `The rule is not YAML: ${fault.message.split('\n')[0]}`, { cause: fault })
  return toJson(document)
}

function parse(text: string): Document {
  try {
    return parseDocument(text, { prettyErrors: true, strict: true, logLevel: 'error', stringKeys: false })
  } catch (cause) {
    throw new DetectError('SIGMA_YAML', `The rule is not YAML: ${String(cause)}`, { cause })
  }
}

function toJson(document: Document): Json {
  let nodes = 0
  const read = (node: unknown, depth: number): Json => {
    if (++nodes > NODES_MAX) throw new DetectError('SIGMA_LIMIT', `More than ${NODES_MAX} values, aliases expanded.`)
    if (depth > DEPTH_MAX) throw new DetectError('SIGMA_LIMIT', `Nested deeper than ${DEPTH_MAX}.`)
    if (isAlias(node)) return read(node.resolve(document), depth + 1)
    if (isScalar(node)) return scalar(node.value, node.source)
    if (isSeq(node)) return node.items.map((item) => read(item, depth + 1))
    if (isMap(node)) {
      const entries = node.items.map((pair): [string, Json] => {
        const key = read(pair.key, depth + 1)
        if (typeof key === 'object') throw new DetectError('SIGMA_YAML', 'A key is not a text.')
        return [String(key), read(pair.value, depth + 1)]
      })
      // Object.fromEntries defines own properties, so a key "__proto__" stays data.
      return Object.fromEntries(entries)
    }
    return null
  }
  return read(document.contents, 0)
}

function scalar(value: unknown, source: string | undefined): Json {
  if (typeof value === 'number' || typeof value === 'bigint')
    return source === undefined || String(value) === source ? Number(value) : source
  return typeof value === 'string' || typeof value === 'boolean' ? value : null
}
