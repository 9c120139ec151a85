import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Millis } from '#base'
import { assertRate, type ClientRates } from './client-rates.ts'
import { NodeError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import type { Scope, Token, Tokens } from './tokens.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scopes that may call the route, besides `operator`; absent = no token needed. */
    scopes?: readonly Scope[]
    /** The token may also come as Basic: its id as user, its text as password. */
    basic?: boolean
  }
  interface FastifyRequest {
    /** The caller's token, on routes that need one. */
    token?: Token
  }
}

const MINUTE_MS = 60_000
/** Addresses remembered for their failures; the oldest go first. */
const ADDRESSES_REMEMBERED = 10_000

/**
 * The hook that admits a request to its route by its bearer token, before its body is read.
 *
 * @throws UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED
 */
export function authenticator(options: {
  tokens: Tokens
  metrics: Metrics
  now: () => Millis
  failuresPerMinute: number
  /** The node's own organisation, whose people are not counted. */
  self: string
  rates: ClientRates
}) {
  const { tokens, metrics, now } = options
  const failures = new Map<string, { since: Millis; count: number }>()

  const failed = (address: string) => {
    const entry = failures.get(address)
    if (entry && now() - entry.since < MINUTE_MS) entry.count++
    else {
      failures.delete(address)
      failures.set(address, { since: now(), count: 1 })
      if (failures.size > ADDRESSES_REMEMBERED) failures.delete(failures.keys().next().value as string)
    }
  }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const scopes = request.routeOptions.config.scopes
    if (!scopes) return
    const { authorization = '' } = request.headers
    const basic = request.routeOptions.config.basic === true
    const token = bearerToken(tokens, authorization) ?? (basic ? basicToken(tokens, authorization) : undefined)
    if (!token) {
      const entry = failures.get(request.ip)
      metrics.denied.inc({ route: request.routeOptions.url ?? '' })
      if (entry && now() - entry.since < MINUTE_MS && entry.count >= options.failuresPerMinute) {
        reply.header('retry-after', '60')
        throw new NodeError('RATE_LIMITED', 'Too many requests without a valid token.')
      }
      failed(request.ip)
      reply.header('www-authenticate', basic ? ['Basic realm="noroshi", charset="UTF-8"', 'Bearer'] : 'Bearer')
      throw new NodeError('UNAUTHENTICATED', 'The request carries no valid token.')
    }
    if (token.scope !== 'operator' && !scopes.includes(token.scope)) {
      metrics.denied.inc({ route: request.routeOptions.url ?? '' })
      throw new NodeError('FORBIDDEN', `A token of scope "${token.scope}" does not allow this.`)
    }
    if (token.scope !== 'operator' && token.org !== undefined && token.org !== options.self)
      assertRate(options.rates, token.org, request.headers, (seconds) => {
        void reply.header('retry-after', String(seconds))
      })
    request.token = token
  }
}

function bearerToken(tokens: Tokens, authorization: string): Token | undefined {
  const text = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
  return text === undefined ? undefined : tokens.find(text)
}

function basicToken(tokens: Tokens, authorization: string): Token | undefined {
  const text = /^Basic +([A-Za-z0-9+/]{1,1024}={0,2})$/i.exec(authorization)?.[1]
  const [user = '', password] = Buffer.from(text ?? '', 'base64')
    .toString()
    .split(/:(.*)/s)
  const token = password === undefined ? undefined : tokens.find(password)
  return token?.id === user ? token : undefined
}
