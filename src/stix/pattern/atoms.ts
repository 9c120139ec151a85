import { ANY_ITEM, type ComparisonNode, type Pattern } from './ast.ts'

/** One equality (or, for addresses, one ISSUBSET) that suffices for the whole pattern to match. */
export interface Atom {
  readonly object: string
  /** As written: `value`, `hashes.'SHA-256'`, `resolves_to_refs[*].value`. */
  readonly path: string
  readonly operator: '=' | 'ISSUBSET'
  readonly value: string | number | boolean
}

/**
 * The equalities of a pattern that is one unqualified observation expression made of an equality, an IN, an ISSUBSET,
 * or of an OR of such; `undefined` for every other pattern. An event that satisfies one of them matches the pattern.
 */
export function atomsOf(pattern: Pattern): Atom[] | undefined {
  const atoms: Atom[] = []
  const { expression } = pattern
  const operands = expression.kind === 'or' ? expression.operands : [expression]
  for (const operand of operands)
    if (operand.kind !== 'observation' || !collect(operand.comparison, atoms)) return undefined
  return atoms
}

function collect(node: ComparisonNode, atoms: Atom[]): boolean {
  if (node.kind === 'or') return node.operands.every((operand) => collect(operand, atoms))
  if (node.kind !== 'test' || node.negated) return false
  const { object, operator } = node
  if (operator !== '=' && operator !== 'ISSUBSET' && operator !== 'IN') return false
  const path = pathText(node.path)
  for (const value of node.values) {
    if (value.type === 'hex' || value.type === 'binary' || value.type === 'timestamp') return false
    atoms.push({ object, path, operator: operator === 'ISSUBSET' ? operator : '=', value: value.value })
  }
  return node.values.length > 0
}

/** An object path without its object type, as the grammar writes it. */
export function pathText(path: readonly (string | number | typeof ANY_ITEM)[]): string {
  let text = ''
  for (const step of path) {
    if (step === ANY_ITEM) text += '[*]'
    else if (typeof step === 'number') text += `[${step}]`
    else text += (text === '' ? '' : '.') + keyText(step)
  }
  return text
}

const keyText = (key: string) => (PLAIN_KEY.test(key) && !KEYWORD.test(key) ? key : quoted(key))
const PLAIN_KEY = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const KEYWORD =
  /^(?:AND|OR|NOT|FOLLOWEDBY|LIKE|MATCHES|ISSUPERSET|ISSUBSET|EXISTS|LAST|IN|START|STOP|SECONDS|WITHIN|REPEATS|TIMES|true|false)$/

/** A string constant as the grammar writes it. */
export const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
