import type { LogId, Slug } from '#base'
import { isHash } from '#base'
import { isSlug } from '#log'

/** What a request under /link/v1 asks for. */
export type Route =
  | { name: 'logs'; since?: number; author?: string; reader?: string }
  | { name: 'checkpoint'; log: LogId; size?: number }
  | { name: 'entries'; log: LogId; from: number; to: number }
  | { name: 'consistency'; log: LogId; from: number; to: number }
  | { name: 'stream'; since?: number }
  | { name: 'heads' }
  | { name: 'charter'; alliance: Slug; from: number }
  | { name: 'charters' }
  | { name: 'statements'; isPost: boolean; author?: string }
  | { name: 'receipts' }
  | { name: 'shown-receipts'; log: LogId; index: number }
  | { name: 'gossip' }
  | { name: 'offer' }
  | { name: 'join' }
  | { name: 'reveal' }

const PREFIX = '/link/v1/'
const COUNT = /^(?:0|[1-9]\d{0,15})$/

/** The route of a request; undefined for everything that is none, also where a parameter has not the right form. */
export function toRoute(method: string, target: string): Route | undefined {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  if (!path.startsWith(PREFIX)) return undefined
  const query = toQuery(mark < 0 ? '' : target.slice(mark + 1))
  const [first = '', second, third, ...rest] = path.slice(PREFIX.length).split('/')
  if (!query || rest.length > 0) return undefined
  if (method === 'POST') return second === undefined || first === 'join' ? toPost(first, second) : undefined
  if (method !== 'GET') return undefined
  if (first === 'logs' && second !== undefined)
    return third === undefined ? undefined : toLogRoute(second, third, query)
  if (first === 'charters' && second !== undefined && third === undefined) {
    const from = query.number('from') ?? 1
    return isSlug(second) && from !== 'bad' ? { name: 'charter', alliance: second, from } : undefined
  }
  if (second !== undefined) return undefined
  const since = query.number('since')
  if (since === 'bad') return undefined
  const author = query.text('author')
  const of = author ? { author } : {}
  if (first === 'logs') {
    const reader = query.text('reader')
    return { name: 'logs', ...(since === undefined ? {} : { since }), ...of, ...(reader ? { reader } : {}) }
  }
  if (first === 'stream') return { name: 'stream', ...(since === undefined ? {} : { since }) }
  if (first === 'statements') return { name: 'statements', isPost: false, ...of }
  return first === 'heads' ? { name: 'heads' } : undefined
}

function toPost(first: string, second: string | undefined): Route | undefined {
  if (first === 'join')
    return second === undefined ? { name: 'join' } : second === 'reveal' ? { name: 'reveal' } : undefined
  if (first === 'receipts') return { name: 'receipts' }
  if (first === 'gossip') return { name: 'gossip' }
  if (first === 'offer') return { name: 'offer' }
  if (first === 'statements') return { name: 'statements', isPost: true }
  return first === 'charters' ? { name: 'charters' } : undefined
}

function toLogRoute(log: string, what: string, query: Query): Route | undefined {
  if (!isHash(log)) return undefined
  if (what === 'checkpoint') {
    const size = query.number('size')
    return size === 'bad' ? undefined : { name: 'checkpoint', log, ...(size === undefined ? {} : { size }) }
  }
  if (what === 'receipts') {
    const index = query.number('index')
    return typeof index === 'number' ? { name: 'shown-receipts', log, index } : undefined
  }
  const from = query.number('from')
  const to = query.number('to')
  if (typeof from !== 'number' || typeof to !== 'number' || from > to) return undefined
  if (what === 'entries' || what === 'consistency') return { name: what, log, from, to }
  return undefined
}

interface Query {
  text(name: string): string | undefined
  number(name: string): number | 'bad' | undefined
}

function toQuery(text: string): Query | undefined {
  const values = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (values.has(name)) return undefined
    values.set(name, value)
  }
  return {
    text: (name) => values.get(name),
    number: (name) => {
      const value = values.get(name)
      if (value === undefined) return undefined
      return COUNT.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : 'bad'
    },
  }
}
