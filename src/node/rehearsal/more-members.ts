import type { Scenario } from '#drill'
import { NodeError } from '../errors.ts'

/** Members that a rehearsal adds are numbered; each is a process, so their number is bounded by the machine. */
const MEMBERS_LIMIT = 50

/**
 * The scenario with as many members as wanted: those beyond its own join its alliances in turn and only receive.
 *
 * @throws USAGE where fewer are wanted than the scenario names, or more than the limit
 */
export function withMembers(scenario: Scenario, wanted: number): Scenario {
  const own = Object.keys(scenario.members).length
  if (!Number.isInteger(wanted) || wanted < own || wanted > MEMBERS_LIMIT)
    throw new NodeError(
      'USAGE',
      `--members must be from ${own} (the scenario's own) to ${MEMBERS_LIMIT}; it is ${wanted}.`,
    )
  const members = { ...scenario.members }
  const alliances = Object.fromEntries(Object.entries(scenario.alliances).map(([slug, keys]) => [slug, [...keys]]))
  const slugs = Object.keys(alliances)
  const joined: Record<string, string[]> = {}
  for (let i = own + 1; i <= wanted; i++) {
    const key = `m${i}`
    members[key] = { slug: `member-${i}`, name: `Member ${i}`, nation: 'ZZ', kind: 'national-csirt' }
    const alliance = slugs[i % slugs.length] ?? ''
    alliances[alliance]?.push(key)
    ;(joined[alliance] ??= []).push(key)
  }
  return {
    ...scenario,
    members,
    alliances,
    expectations: scenario.expectations.map((e) => withHolders(scenario, e, joined)),
  }
}

/** A signal for a whole alliance stands at its new members too. */
function withHolders(
  scenario: Scenario,
  expectation: Scenario['expectations'][number],
  joined: Record<string, string[]>,
): Scenario['expectations'][number] {
  if (!('holds' in expectation)) return expectation
  const signal = scenario.signals.find(({ id }) => id === expectation.holds)
  const more = (signal?.to ?? []).flatMap((target) => joined[target.replace(/^alliance:/, '')] ?? [])
  return { ...expectation, members: [...expectation.members, ...more] }
}
