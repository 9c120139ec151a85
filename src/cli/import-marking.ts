import type { SharedWith } from '#exchange'
import type { NodeClient } from './node-client.ts'
import { type Output, printable, table } from './output.ts'
import type { Terminal } from './terminal.ts'

/** What each level of TLP 2.0 lets its readers do, for a person who has to choose one. */
const LEVELS: readonly (readonly [level: string, meaning: string])[] = [
  ['clear', 'the world may have it'],
  ['green', 'members of your alliances and their clients; never public'],
  ['amber', 'members of your alliances, who may pass it on to their own clients only'],
  ['amber+strict', 'members of your alliances, who pass it on to nobody'],
  ['red', 'the members that you name, and the persons there who read it'],
]
const ATTEMPTS = 3
const WHOM = /^(?:alliance|member|nation|sector|kind):[^\s,]{1,100}$/

/** How far something may go: the level, and to whom. */
export interface Marking {
  tlp: string
  to?: string[]
}

/** Asks how far content without a marking may go; undefined where the person gives no answer. */
export async function askMarking(
  terminal: Terminal,
  count: number,
  suggested: readonly string[],
  output: Output,
): Promise<Marking | undefined> {
  output.note(`${count} ${count === 1 ? 'object carries' : 'objects carry'} no marking. How far may they go?`)
  for (const line of table(LEVELS.map(([level, meaning]) => [`  ${level}`, meaning]))) output.note(line)
  const tlp = await askUntil(terminal, 'Level: ', (answer) =>
    LEVELS.some(([level]) => level === answer.toLowerCase().replace(/^tlp:/, '')),
  )
  if (tlp === undefined) return undefined
  const level = tlp.toLowerCase().replace(/^tlp:/, '')
  const hint = suggested.length > 0 ? `, such as ${suggested.join(' ')}` : ''
  const whom = await askUntil(
    terminal,
    `To whom? alliance:SLUG, member:SLUG, nation:CC, sector:SLUG or kind:SLUG${hint}; nothing for all that the level allows: `,
    (answer) => wordsOf(answer).every((word) => WHOM.test(word)),
    true,
  )
  if (whom === undefined) return undefined
  return { tlp: level, ...(whom === '' ? {} : { to: wordsOf(whom) }) }
}

const wordsOf = (answer: string) => answer.split(/[\s,]+/).filter(Boolean)

/** An answer that fits; undefined after an empty one, unless that fits too, and after some that do not. */
async function askUntil(
  terminal: Terminal,
  question: string,
  fits: (answer: string) => boolean,
  mayBeEmpty = false,
): Promise<string | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const answer = await terminal.ask(question)
    if (answer === '' && !mayBeEmpty) return undefined
    if (fits(answer)) return answer
  }
  return undefined
}

interface Member {
  self: boolean
  member: string
  slug: string
  name: string
}

/** The members that a sharing group of MISP names, as `--to` takes them; what no member answers to is left out. */
export async function suggestedFor(node: NodeClient, groups: readonly SharedWith[]): Promise<string[]> {
  if (groups.length === 0) return []
  const { members } = await node.get<{ members: Member[] }>('/api/v1/members')
  const plain = (text: string) => text.normalize('NFKC').trim().toLowerCase()
  return members
    .filter(
      ({ self, member, slug, name }) =>
        !self &&
        groups.some(
          (one) =>
            (one.uuid !== '' && member === `identity--${one.uuid}`) ||
            [slug, name].some((known) => plain(known) === plain(one.name)),
        ),
    )
    .map(({ slug }) => `member:${slug}`)
}

/** What the suggestion is, in words; nothing where there is none. */
export function suggestionLines(groups: readonly SharedWith[], suggested: readonly string[]): string[] {
  if (groups.length === 0) return []
  const names = groups.map(({ name }) => printable(name)).slice(0, 20)
  return [
    suggested.length === 0
      ? `MISP shares it with ${names.join(', ')}; none of them is a member here.`
      : `MISP shares it with ${names.join(', ')}; the members among them: ${suggested.map((one) => `--to ${one}`).join(' ')}`,
  ]
}
