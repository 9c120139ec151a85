import { type Candidates, firstSeenAfter } from './assign.ts'
import type { Budget } from './budget.ts'
import type { PlanNode } from './plan.ts'

/**
 * The earliest time by which a part of a plan can be complete when nothing in it was seen before `from` alone; `Infinity`
 * where it can't.
 *
 * A lower bound: it lets one observation stand for several leaves. It grows with `from`, which is what lets the search
 * skip moments and stop early: for most patterns there is then nothing left to go back on.
 */
export function earliestEnd(node: PlanNode, from: number, lists: readonly Candidates[], budget: Budget): number {
  budget.spend()
  switch (node.kind) {
    case 'leaf':
      return endOfLeaf(lists[node.candidates], from, 1)
    case 'repeat': {
      const { operand, times } = node
      if (operand.kind === 'leaf') return endOfLeaf(lists[operand.candidates], from, times)
      return earliestEnd(operand, from, lists, budget)
    }
    case 'and':
      return node.operands.reduce((end, operand) => Math.max(end, earliestEnd(operand, from, lists, budget)), -Infinity)
    case 'or':
      return node.operands.reduce((end, operand) => Math.min(end, earliestEnd(operand, from, lists, budget)), Infinity)
    case 'sequence': {
      const meeting = earliestEnd(node.before, from, lists, budget)
      if (meeting === Infinity) return Infinity
      return Math.max(meeting, earliestEnd(node.after, Math.max(from, meeting), lists, budget))
    }
    case 'window':
      for (let begin = from; ;) {
        const end = earliestEnd(node.operand, begin, lists, budget)
        // A window ends no earlier than that wherever it begins, so that it begins at `end - span` at the soonest.
        if (end === Infinity || end - begin <= node.span) return end
        begin = end - node.span
      }
  }
}

/** When the `times`th of the candidates seen at or after `from` was first seen. */
function endOfLeaf(list: Candidates | undefined, from: number, times: number): number {
  if (!list) return Infinity
  const at = firstSeenAfter(list, from)
  if (list.single) return list.first[at + times - 1] ?? Infinity
  return list.soonest[at] ?? Infinity
}
