/** What the page asks its node, and how. The shapes are those of `GET /api/v1/situation`. */

export type LinkState = 'up' | 'connecting' | 'stale' | 'down' | 'self'

export interface Member {
  member: string
  slug: string
  name: string
  nation: string
  kind: string
  standing: string
  alliances: string[]
  self: boolean
  link: {
    state: LinkState
    lagEntries: number
    clockOffsetMs: number | null
    lastSeen: number | null
    quota: 'slowed' | 'over' | null
  }
}

export interface Arrival {
  id: string
  type: string
  name: string
  origin: string
  creator?: string
  tlp: string
  alliances: string[]
  arrived: number
  published: number
  armed: boolean
  hits: number
}

export interface Hit {
  rule?: string
  indicator?: string
  name: string
  value: string
  time: number
  seen: number
  origin: string
}

export interface Window {
  from: string
  to: string
  wave?: string
  /** Title of the wave by language. */
  waveTitle?: Record<string, string>
  by?: 'rule' | 'address'
  ms: number | null
  censored: boolean
  censoredAtMs?: number
  underCut: boolean
  known?: boolean
}

export interface Drill {
  id: string
  title: string | Record<string, string>
  state: 'running' | 'passed' | 'failed'
  started: number
  exposure: Window[]
  reportUrl?: string
}

/** What a recall left for people. */
export interface OpenTask {
  id: string
  time: number
  kind: 'rendition' | 'republication' | 'mention' | 'submission' | 'embargo' | 'quarantine' | 'export'
  type?: string
  count: number
  /** Who took what back. */
  slug: string
  recalled: string
}

export interface Situation {
  self: { member: string; slug: string; name: string; nation: string }
  now: number
  alliances: { slug: string; version: number; members: string[]; differ?: string[] }[]
  members: Member[]
  hours: { from: number; origin: string; count: number }[]
  newest: Arrival[]
  hits: Hit[]
  detection: { indicators: number; rules: number; eventsSeen: number; refused: number }
  drill: Drill | null
  /** Of the node's own operator alone. */
  tasks: { count: number; oldest: OpenTask[] } | null
}

const TOKEN_KEY = 'noroshi.token'

/** The token: from the address (`#token=…`, which is then removed from it), else the one of this tab. */
export function takeToken(): string | null {
  const match = /[#&]token=([^&]+)/.exec(location.hash)
  if (match?.[1]) {
    keepToken(decodeURIComponent(match[1]))
    history.replaceState(null, '', location.pathname + location.search)
  }
  return sessionStorage.getItem(TOKEN_KEY)
}

/** Keeps the token for this tab only. */
export const keepToken = (token: string): void => sessionStorage.setItem(TOKEN_KEY, token)

/** The node refused the token. */
export class TokenRefused extends Error {}

/** Asks the node. @throws TokenRefused on 401 and 403 */
export async function askNode(path: string, token: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}` }, signal: signal ?? null })
  if (response.status === 401 || response.status === 403) throw new TokenRefused()
  if (!response.ok) throw new Error(`The node answered ${response.status}.`)
  return response
}

/** `GET /api/v1/situation`. */
export const fetchSituation = async (token: string, signal: AbortSignal): Promise<Situation> =>
  (await askNode('/api/v1/situation', token, signal)).json() as Promise<Situation>
