import { type Atom as PatternAtom, atomsOf, type ComparisonNode, type ObservationNode, type Pattern } from '#stix'
import { toAtoms } from './atoms/from-pattern.ts'
import type { Atom } from './atoms/key.ts'
import type { Guard, Refusal } from './guard.ts'

/**
 * Needles of a pattern: an event that has none of them satisfies none of the pattern's observation expressions.
 * `undefined` where there are no such values, or more than `limit`.
 *
 * `[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443] FOLLOWEDBY [url:value IN ('http://a.example/')]` has two.
 */
export function needlesOf({ expression }: Pattern, limit: number): Atom[] | undefined {
  const needles: Atom[] = []
  for (const comparison of comparisonsOf(expression)) {
    const found = needlesOfComparison(comparison)
    if (!found || needles.length + found.length > limit) return undefined
    for (const needle of found) needles.push(needle)
  }
  return needles
}

/**
 * Why a pattern would match everybody's ordinary traffic: in one of its alternatives every observation expression
 * names values that the guard refuses, or holds for what every network sees.
 */
export function refuseOrdinary(pattern: Pattern, guard: Guard): Refusal | undefined {
  const visit = (node: ObservationNode): Refusal | undefined => {
    if (node.kind === 'observation') {
      const atoms = atomsOf({ ...pattern, expression: node })
      const found = atoms && toAtoms(atoms)
      if (!found || !Array.isArray(found)) return guard.refuseObservation({ ...pattern, expression: node })
      for (const atom of found) {
        const refusal = guard.refuse(atom)
        if (refusal) return refusal
      }
      return undefined
    }
    if (!('operands' in node)) return visit(node.operand)
    const refusals = node.operands.map(visit)
    return node.kind === 'or' ? refusals.find(Boolean) : refusals.every(Boolean) ? refusals[0] : undefined
  }
  return visit(pattern.expression)
}

function* comparisonsOf(node: ObservationNode): Generator<ComparisonNode> {
  if (node.kind === 'observation') yield node.comparison
  else for (const operand of 'operands' in node ? node.operands : [node.operand]) yield* comparisonsOf(operand)
}

/** Values of which a comparison expression needs one: of an AND the shortest list, of an OR all of them. */
function needlesOfComparison(node: ComparisonNode): Atom[] | undefined {
  if (node.kind === 'exists') return undefined
  if (node.kind === 'test') {
    const expression = { kind: 'observation', comparison: node } as const
    const atoms: PatternAtom[] | undefined = atomsOf({ text: '', expression })
    const found = atoms && toAtoms(atoms)
    return Array.isArray(found) ? found : undefined
  }
  const lists = node.operands.map(needlesOfComparison)
  if (node.kind === 'or') return lists.every((list) => list !== undefined) ? lists.flat() : undefined
  return lists.reduce((a, b) => (a === undefined || (b !== undefined && b.length < a.length) ? b : a), undefined)
}
