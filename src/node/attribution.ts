/**
 * Who says an object, as a reader is told: its publisher, and where its creator is a third party, "X, republished by Y".
 * @see SHARING-RULES section 5
 */
import { fromUtf8, type JsonObject, type LogId } from '#base'
import type { ObjectRow } from '#store'
import type { NodeContext } from './node-context.ts'

/** Characters of a creator's name that are shown: it is a text of others. */
const NAME_CHARACTERS = 200
const LOOKUP_ROWS = 1_000

/** What is said about the origin of one object. */
export interface Attribution {
  /** `created_by_ref`, where the object has one. */
  creator?: string
  /** One line for people. */
  by: string
}

/** Tells for each row who says it; names of third parties are those that the publisher itself gave, in the same logs. */
export async function attributionsOf(
  node: NodeContext,
  logs: readonly LogId[],
  rows: readonly ObjectRow[],
): Promise<(row: ObjectRow) => Attribution> {
  const register = node.directory.register()
  const isThirdParty = ({ creator, publisher }: ObjectRow) =>
    creator !== undefined && creator !== publisher && register.org(creator)?.id !== creator
  const ids = [...new Set(rows.filter(isThirdParty).map(({ creator = '' }) => creator))]
  const names = ids.length === 0 ? new Map<string, string>() : await namesOf(node, logs, ids)
  return (row) => {
    const { creator, publisher } = row
    const by = node.slugOf(publisher)
    if (creator === undefined) return { by }
    if (!isThirdParty(row)) return { creator, by }
    return { creator, by: `${names.get(`${publisher} ${creator}`) ?? creator}, republished by ${by}` }
  }
}

async function namesOf(
  node: NodeContext,
  logs: readonly LogId[],
  ids: readonly string[],
): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  let cursor: string | undefined
  do {
    const page = await node.store.versions({
      versions: 'latest',
      logs,
      ids,
      types: ['identity'],
      limit: LOOKUP_ROWS,
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const { publisher, id, json } of page.rows) {
      const { name } = JSON.parse(fromUtf8(json)) as JsonObject
      const shown = typeof name === 'string' ? printable(name) : ''
      if (shown !== '') names.set(`${publisher} ${id}`, shown)
    }
    cursor = page.next
  } while (cursor !== undefined)
  return names
}

/** One line, without what steers a terminal or turns the direction of a text. */
const printable = (text: string) =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, NAME_CHARACTERS)
