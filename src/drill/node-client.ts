import type { Json, JsonObject } from '#base'
import { DrillError } from './error.ts'
import type { DrillNode } from './launcher.ts'

const REQUEST_TIMEOUT_MS = 15_000

/** One journal row of a node. */
export interface JournalRow {
  sequence: number
  time: number
  value: JsonObject
}

/** Asks one node's REST surface as its operator. */
export async function ask<T = Json>(node: DrillNode, method: string, path: string, body?: unknown): Promise<T> {
  const response = await request(node, method, path, body === undefined ? undefined : JSON.stringify(body))
  const text = await response.text()
  if (!response.ok)
    throw new DrillError(
      'DRILL_REQUEST_FAILED',
      `${node.slug} answered ${response.status} to ${method} ${path}: ${text.slice(0, 500)}`,
    )
  return (text === '' ? null : JSON.parse(text)) as T
}

/** One request, whatever its answer; with the token of the operator unless another is given. */
export async function request(
  node: DrillNode,
  method: string,
  path: string,
  body?: string,
  type = 'application/json',
): Promise<Response> {
  try {
    return await fetch(node.url + path, {
      method,
      headers: { authorization: `Bearer ${node.token}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  } catch (cause) {
    throw new DrillError('DRILL_REQUEST_FAILED', `${node.slug} did not answer ${method} ${path} at ${node.url}.`, {
      cause,
    })
  }
}

/** All rows of one journal after `after`, page by page. */
export async function readJournal(node: DrillNode, stream: string, after = 0): Promise<JournalRow[]> {
  const rows: JournalRow[] = []
  for (let from = after; ;) {
    const page = await ask<{ rows: JournalRow[] }>(
      node,
      'GET',
      `/api/v1/journal?stream=${stream}&after=${from}&limit=1000`,
    )
    rows.push(...page.rows)
    const last = page.rows.at(-1)
    if (!last || page.rows.length < 1000) return rows
    from = last.sequence
  }
}
