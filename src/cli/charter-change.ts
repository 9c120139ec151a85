import { fromBase64 } from '#base'
import { type CharterStatement, keyIdOf } from '#log'

type Member = CharterStatement['members'][number]

/** What a proposed charter would change, a line for each change. */
export function changeLines(current: CharterStatement | undefined, proposed: CharterStatement): string[] {
  const before = new Map(current?.members.map((member) => [member.id, member]))
  const after = new Map(proposed.members.map((member) => [member.id, member]))
  const lines = [
    ...proposed.members.filter(({ id }) => !before.has(id)).flatMap((member) => joinerLines(member)),
    ...[...before.values()].filter(({ id }) => !after.has(id)).map((member) => `leaves: ${who(member)}`),
    ...proposed.members.flatMap((member) => differences(who(member), before.get(member.id), member)),
    ...differences('rules', current?.rules, proposed.rules),
  ]
  return lines.length === 0 ? ['changes nothing but its time'] : lines
}

/** Who somebody is who asks to join. */
export function joinerLines(member: Member): string[] {
  const clients = member.clients ?? []
  return [
    `joins: ${who(member)}`,
    `  root key ${keyIdOf(fromBase64(member.root))}, ${member.id}`,
    ...(member.standing === 'active' ? [] : [`  standing ${member.standing}`]),
    ...(member.backfill === undefined ? [] : ['  gets everything that was published before, too']),
    ...(clients.length === 0
      ? []
      : [`  with clients: ${clients.map(({ slug, name }) => `${slug} (${name})`).join(', ')}`]),
  ]
}

const who = ({ slug, name, nation, kind }: Member) => `${slug}, "${printable(name)}", nation ${nation}, kind ${kind}`

/** Each property that differs, the old and the new value. */
function differences(of: string, before: object | undefined, after: object): string[] {
  if (before === undefined) return []
  const [old, now] = [before, after] as Record<string, unknown>[]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    if (name === 'delegations')
      return [`${of}: the keys that its root key delegated`].filter(() => !isSame(old, now, name))
    const [a, b] = [JSON.stringify(old?.[name]), JSON.stringify(now?.[name])]
    return a === b ? [] : [`${of}: ${name} ${shown(a)} becomes ${shown(b)}`]
  })
}

const isSame = (old: Record<string, unknown> | undefined, now: Record<string, unknown> | undefined, name: string) =>
  JSON.stringify(old?.[name]) === JSON.stringify(now?.[name])

const SHOWN_CHARACTERS = 200
const shown = (json: string | undefined) => {
  const text = printable(json ?? 'nothing')
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}

/** Others' text on a terminal: control characters become visible. */
const printable = (text: string) =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
