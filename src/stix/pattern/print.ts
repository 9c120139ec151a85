import { pathText, quoted } from './atoms.ts'
import type { ComparisonNode, Literal, ObservationNode } from './ast.ts'

/** An observation expression as text that parses to the same tree. */
export function printObservation(node: ObservationNode): string {
  switch (node.kind) {
    case 'observation':
      return `[${printComparison(node.comparison)}]`
    case 'and':
      return node.operands.map(operandOf).join(' AND ')
    case 'or':
      return node.operands.map(operandOf).join(' OR ')
    case 'followedBy':
      return node.operands.map(operandOf).join(' FOLLOWEDBY ')
    case 'within':
      return `${operandOf(node.operand)} WITHIN ${decimal(node.seconds)} SECONDS`
    case 'repeats':
      return `${operandOf(node.operand)} REPEATS ${decimal(node.times)} TIMES`
    default:
      return `${operandOf(node.operand)} START t'${node.start}' STOP t'${node.stop}'`
  }
}

const operandOf = (node: ObservationNode) =>
  'operands' in node ? `(${printObservation(node)})` : printObservation(node)

/** A comparison expression as text that parses to the same tree. */
export function printComparison(node: ComparisonNode): string {
  if (node.kind === 'exists') return `${node.negated ? 'NOT ' : ''}EXISTS ${node.object}:${pathText(node.path)}`
  if (node.kind === 'test') {
    const values = node.values.map(printLiteral).join(', ')
    const constant = node.operator === 'IN' ? `(${values})` : values
    return `${node.object}:${pathText(node.path)} ${node.negated ? 'NOT ' : ''}${node.operator} ${constant}`
  }
  const operands = node.operands.map((operand) =>
    'operands' in operand ? `(${printComparison(operand)})` : printComparison(operand),
  )
  return operands.join(node.kind === 'and' ? ' AND ' : ' OR ')
}

function printLiteral(literal: Literal): string {
  switch (literal.type) {
    case 'string':
      return quoted(literal.value)
    case 'timestamp':
      return `t'${literal.value}'`
    case 'hex':
      return `h'${Buffer.from(literal.value, 'latin1').toString('hex')}'`
    case 'binary':
      return `b'${Buffer.from(literal.value, 'latin1').toString('base64')}'`
    case 'float':
      return decimal(literal.value).includes('.') ? decimal(literal.value) : `${decimal(literal.value)}.0`
    default:
      return typeof literal.value === 'number' ? decimal(literal.value) : String(literal.value)
  }
}

/** A number without an exponent, which the grammar does not know. */
function decimal(value: number): string {
  const text = String(value)
  const exponent = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!exponent) return text
  const [, sign = '', head = '', tail = '', power = '0'] = exponent
  const shift = Number(power)
  return shift < 0 ? `${sign}0.${'0'.repeat(-shift - 1)}${head}${tail}` : `${sign}${head}${tail.padEnd(shift, '0')}`
}
