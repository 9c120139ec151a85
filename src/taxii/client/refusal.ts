import { isJsonObject, type Millis, parseJson } from '#base'
import type { ClientAnswer } from './client-options.ts'
import { TaxiiClientError } from './error.ts'

/** Longest pause that a server can ask for. */
const LONGEST_RETRY_AFTER_MS = 600_000
/** Characters of what the server said that are passed on. */
const SAID = 300

const HINTS: Readonly<Record<number, string>> = {
  401: ' Check user and password, or token.',
  403: ' This account may not do that there.',
  404: ' Check the address and the collection; accounts see only what they may.',
  406: ' It may speak another version of TAXII; 2.1 is needed.',
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. */
export function retryAfter(header: string | null, now: Millis): number | undefined {
  if (header === null) return undefined
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms))
}

/** The error of an answer that is no success; `details.status` is its status. */
export function refusal(url: string, status: number, { body }: ClientAnswer): TaxiiClientError {
  const said = saidIn(body)
  return new TaxiiClientError(
    'TAXII_SERVER_REFUSED',
    `${url} answers ${status}${said === '' ? '' : ` (${said})`}.${HINTS[status] ?? ''}`,
    { details: { status } },
  )
}

/** What an error resource says; OpenTAXII writes `name` where TAXII says `title`. Control characters are taken out. */
function saidIn(body: Buffer): string {
  try {
    const value = parseJson(body)
    if (!isJsonObject(value)) return ''
    const { title, name, description } = value
    const texts = [title ?? name, description].filter((text) => typeof text === 'string')
    return texts
      .join(': ')
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, SAID)
  } catch {
    // Nothing that a person would want to read.
    return ''
  }
}
