import { type JsonObject, toTimestamp } from '#base'
import { isObject, objectsOf, textOf } from '../fields.ts'
import { common, type MispContext } from './frame.ts'
import { toStixTime } from './graph.ts'
import { uuidOf } from './ids.ts'

/** Labels by which notes and opinions are told from those that came another way. */
export const ANALYST_NOTE = 'misp:analyst-data="note"'
export const ANALYST_OPINION = 'misp:analyst-data="opinion"'
export const ANALYST_RELATIONSHIP = 'misp:analyst-data="relationship"'
export const PROPOSAL = 'misp:proposal'

/** STIX opinions by the highest number of MISP's scale, 0 to 100, that each stands for. */
export const OPINIONS: readonly (readonly [highest: number, opinion: string])[] = [
  [20, 'strongly-disagree'],
  [40, 'disagree'],
  [60, 'neutral'],
  [80, 'agree'],
  [100, 'strongly-agree'],
]

/** Notes and opinions of one element that are read. */
const ANALYST_DATA_MAX = 1_000
const LANGUAGE = /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/

/**
 * Notes and opinions on an element, and those on these, as notes and opinions of STIX.
 * @see https://www.misp-project.org/2024/05/13/misp.analyst.data.html
 */
export function analystDataOf(
  element: JsonObject,
  target: string,
  context: MispContext,
  isLeft: (one: JsonObject, path: string) => boolean,
  path: string,
): JsonObject[] {
  const read = (name: string, make: (one: JsonObject) => JsonObject | undefined) =>
    objectsOf(element, name)
      .slice(0, ANALYST_DATA_MAX)
      .flatMap((one, index) => {
        const here = `${path}.${name}[${index}]`
        if (isLeft(one, here)) return []
        const made = make(one)
        if (made) return [made, ...analystDataOf(one, String(made['id']), context, isLeft, here)]
        context.losses.add(here, 'it says nothing')
        return []
      })
  return [
    ...read('Note', (one) => noteOf(one, target, context)),
    ...read('Opinion', (one) => opinionOf(one, target, context)),
  ]
}

function noteOf(one: JsonObject, target: string, context: MispContext): JsonObject | undefined {
  const content = textOf(one, 'note')
  const language = textOf(one, 'language')
  return content === ''
    ? undefined
    : {
        ...frame('note', one, target, context, content),
        content,
        ...authorsOf(one),
        ...(LANGUAGE.test(language) ? { lang: language } : {}),
        object_refs: [target],
        labels: [ANALYST_NOTE],
      }
}

function opinionOf(one: JsonObject, target: string, context: MispContext): JsonObject | undefined {
  const text = textOf(one, 'opinion')
  const number = /^\d{1,3}$/.test(text) ? Number(text) : NaN
  const opinion = OPINIONS.find(([highest]) => number <= highest)?.[1]
  const comment = textOf(one, 'comment')
  return opinion === undefined
    ? undefined
    : {
        ...frame('opinion', one, target, context, text),
        opinion,
        ...(comment === '' ? {} : { explanation: comment }),
        ...authorsOf(one),
        object_refs: [target],
        labels: [ANALYST_OPINION],
        x_misp_opinion: number,
      }
}

function frame(type: string, one: JsonObject, target: string, context: MispContext, said: string): JsonObject {
  const at = (name: string) => {
    const time = toStixTime(textOf(one, name).replace(' ', 'T'))
    return time === undefined ? undefined : toTimestamp(Date.parse(time))
  }
  const modified = at('modified') ?? at('created') ?? context.at
  const created = at('created') ?? modified
  const made = common(type, uuidOf(one['uuid'], target, said), modified, context)
  return { ...made, created: created <= modified ? created : modified }
}

function authorsOf(one: JsonObject): JsonObject {
  const authors = textOf(one, 'authors')
  return authors === '' ? {} : { authors: [authors] }
}

/** Fields of a proposal that are kept, so that it comes back as one. */
const PROPOSED = ['uuid', 'type', 'category', 'value', 'to_ids', 'comment', 'proposal_to_delete', 'timestamp']

/** A proposal to an event or attribute, as a note on what it is about: it detects nothing. */
export function proposalToStix(one: JsonObject, target: string, context: MispContext): JsonObject {
  const [type, value] = [textOf(one, 'type'), textOf(one, 'value')]
  const organisation = isObject(one['Org']) ? textOf(one['Org'], 'name') : ''
  const kept = PROPOSED.flatMap((name): [string, string][] => {
    const text = textOf(one, name)
    return text === '' ? [] : [[name, text]]
  })
  const isDeletion = ['true', '1'].includes(textOf(one, 'proposal_to_delete').toLowerCase())
  return {
    ...common('note', uuidOf(one['uuid'], target, 'proposal', type, value), context.at, context),
    abstract: 'Proposal to a MISP event, which its owner has not accepted',
    content: `${organisation === '' ? 'Proposed' : `${organisation} proposes`}${isDeletion ? ' to delete' : ''}: ${type} ${value}`,
    object_refs: [target],
    labels: [PROPOSAL],
    x_misp_proposal: Object.fromEntries(kept),
  }
}
