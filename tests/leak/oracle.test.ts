// What the worlds are judged by, beside the product's own decision: two readings of the sharing rules, which know nothing of
// each other, give the same answer to random questions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTimestamp } from '#base'
import { decide, Definitions, type Register, registerOf } from '#policy'
import { PREDEFINED_MARKINGS, TLP_2_MARKINGS } from '#stix'
import { makeCharter, makeMember, type MadeMember } from '../../src/federation/simulation/members.ts'
import { charterRow, charterRules, clientId } from './charter-row.ts'
import { meaningOf } from './meaning.ts'
import { better, type May, mayPass, type Passage } from './passage.ts'
import { fixedFor, type View } from './standing.ts'
import { toObjects } from './stix-of.ts'
import { type Charter, type Mark, MEMBERS, ORGS, planOf, SERVERS, type Thing } from './world-plan.ts'

const PLANS = 150
const NOW = Date.UTC(2026, 5, 1)
const HOUR_MS = 3_600_000
/** Fewer answers of a kind than this would prove nothing. */
const FEWEST = 5_000

const members = new Map<string, MadeMember>(
  MEMBERS.map(({ slug, nation, kind, sectors }) => [
    slug,
    makeMember(slug, NOW, { nation, kind, sectors: [...sectors].sort() }),
  ]),
)
const idOf = (slug: string) => members.get(slug)?.self.member ?? clientId(slug)

test('the worlds’ own reading of the rules and the decision of the product agree', (t) => {
  const counts = { yes: 0, no: 0, free: 0 }
  const differ: string[] = []
  for (let seed = 1; seed <= PLANS; seed++) {
    const [step] = planOf(seed, 1).steps
    assert.ok(step)
    const view: View = new Map(step.charters.map((charter) => [charter.alliance, charter]))
    const register = registerOf(step.charters.map(statementOf))
    for (const thing of step.things)
      for (const mark of [thing.mark, ...thing.granular.map((one) => one.mark)])
        for (const question of questions(view, thing, mark)) {
          const may = answered(question, mark)
          const { send, code } = decided(question, mark, register)
          counts[may]++
          if (may !== 'free' && (may === 'yes') !== send)
            differ.push(
              `seed ${seed}: ${may} and ${code} for ${JSON.stringify({ ...question, view: undefined, mark })}`,
            )
        }
  }
  assert.deepEqual(differ.slice(0, 5), [], `${differ.length} answers differ`)
  assert.ok(counts.yes >= FEWEST && counts.no >= FEWEST, JSON.stringify(counts))
  t.diagnostic(`${counts.yes} times yes, ${counts.no} times no, ${counts.free} times left open`)
})

/**
 * A carrier's passage is asked as if the source sent, though the policy of the carrier's node opens nothing of the
 * source's; a grant that is void changes nothing.
 */
function answered({ isGranted, ...asked }: Passage, mark: Mark): May {
  const [meaning, passage] = [
    meaningOf(mark, NOW),
    {
      ...asked,
      ...(asked.isCarried ? { sender: asked.source, fixed: { ...asked.fixed, cyber: new Set<string>() } } : {}),
    },
  ]
  const plain = mayPass(meaning, passage)
  return isGranted ? better(plain, mayPass(meaning, { ...passage, isGranted })) : plain
}

/** From the author, by a relay, by a carrier; with a grant and without; now and later; to everybody. */
function* questions(view: View, { author: source, n }: Thing, mark: Mark): Iterable<Passage> {
  const fixed = fixedFor(view, source)
  for (const { slug: to } of ORGS)
    for (const sender of SERVERS)
      for (const isCarried of sender === source ? [false] : [false, true]) {
        if (isCarried && mark.tlp === 'red') continue
        const now = n % 2 === 0 ? NOW : NOW + 2 * HOUR_MS
        const passage: Passage = { view, sender, source, to, fixed, now, isWeb: false }
        yield { ...passage, ...(isCarried ? { isCarried } : {}) }
        if (sender === source) yield { ...passage, isGranted: true }
      }
}

function decided({ sender, source, to, now, isCarried, isGranted, view }: Passage, mark: Mark, register: Register) {
  const thing: Thing = { n: 1, author: source, type: 'malware', mark, granular: [], refs: [] }
  const objects = toObjects(thing, { at: NOW, idOf, released: new Map(), along: [thing] })
  const object = objects.at(-1) ?? {}
  const definitions = new Definitions([...PREDEFINED_MARKINGS.values(), ...TLP_2_MARKINGS, ...objects], register)
  const grant = { object: String(object['id']), by: idOf(source), to: [idOf(to)], version: String(object['modified']) }
  const own = [...view.values()].filter(({ rows }) => rows.some(({ member }) => member === source))
  return decide({
    now: toTimestamp(now),
    from: idOf(sender),
    to: idOf(to),
    source: idOf(source),
    object,
    register,
    definitions,
    context: {
      channel: 'node',
      greenDefault: own.length > 0 && register.opensGreen(idOf(source)) ? 'cyber-defence' : 'community',
      ...(isCarried ? { carrier: true } : {}),
      ...(isGranted ? { grants: [grant] } : {}),
    },
  })
}

function statementOf(plan: Charter) {
  const { charter } = makeCharter(plan.alliance, [], NOW, charterRules(plan, idOf))
  return {
    ...charter,
    members: plan.rows.map((row) => charterRow(row, (members.get(row.member) as MadeMember).self.profile, NOW)),
  }
}
