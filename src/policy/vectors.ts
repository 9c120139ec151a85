/**
 * Answers the vectors of `noroshi decide --batch`, sending and receiving.
 * @see SHARING-RULES section 7
 */
import { isJsonObject, type Json, type JsonObject, parseTimestamp } from '#base'
import { decide, type Grant, type SendContext } from './decide.ts'
import { PolicyError } from './error.ts'
import type { Channel } from './level-audience.ts'
import { decideReceive } from './receive.ts'
import { vectorRegister } from './register.ts'
import { Definitions } from './resolve.ts'

/**
 * The answer to one vector, echoing its `id`: `{id, send, code, redact, onward}` or `{id, verdict}`.
 * @throws PolicyError POLICY_REQUEST_INVALID
 */
export function answerDecideVector(request: Json): JsonObject {
  if (!isJsonObject(request)) throw invalid('the request', 'an object')
  const { id = null, kind } = request
  if (kind === 'send') return { id, ...answerSend(request) }
  if (kind === 'receive') return { id, verdict: answerReceive(request) }
  throw invalid('`kind`', '`send` or `receive`')
}

function answerSend(request: JsonObject): JsonObject {
  const now = textOf(request, 'now')
  if (parseTimestamp(now) === undefined) throw invalid('`now`', 'a timestamp such as 2026-06-01T00:00:00.000Z')
  const answer = decide({
    now,
    from: textOf(request, 'from'),
    to: textOf(request, 'to'),
    source: textOf(request, 'source'),
    object: objectOf(request, 'object'),
    register: vectorRegister(objectOf(request, 'orgs'), objectOf(request, 'alliances')),
    definitions: definitionsOf(request),
    context: contextOf(isJsonObject(request['context']) ? request['context'] : {}),
  })
  return { send: answer.send, code: answer.code, redact: [...answer.redact], onward: answer.onward }
}

function answerReceive(request: JsonObject): string {
  const { prev } = request
  return decideReceive({
    previous: prev === null || prev === undefined ? undefined : objectOf(request, 'prev'),
    next: objectOf(request, 'next'),
    signer: textOf(request, 'signer'),
    definitions: definitionsOf(request),
  })
}

const CHANNELS: readonly Channel[] = ['node', 'client', 'open']

/** An absent channel is an authenticated one in vectors only; one that is not known is open. */
function contextOf(context: JsonObject): SendContext {
  const { channel, via, carrier, policy, submission, victimNation, victim, unreleasable, grants } = context
  const greenDefault = isJsonObject(policy) ? policy['greenDefault'] : undefined
  return {
    channel: channel === undefined ? 'node' : (CHANNELS.find((known) => known === channel) ?? 'open'),
    ...(via === 'client' && { via }),
    carrier: carrier === true,
    ...(greenDefault === 'cyber-defence' && { greenDefault }),
    submission: submission === true,
    identifying: textsOf(context['identifying']),
    victimFields: textsOf(context['victimFields']),
    ...(typeof victimNation === 'string' && { victimNation }),
    ...(typeof victim === 'string' && { victim }),
    unreleasable: new Set(textsOf(unreleasable)),
    grants: Array.isArray(grants) ? grants.flatMap(grantOf) : [],
  }
}

/** A grant that cannot be read grants nothing. */
function grantOf(value: Json): Grant[] {
  if (!isJsonObject(value)) return []
  const { object, by, to, version, expires } = value
  if (typeof object !== 'string' || typeof by !== 'string') return []
  if (version !== undefined && typeof version !== 'string') return []
  if (expires !== undefined && typeof expires !== 'string') return []
  return [
    {
      object,
      by,
      to: textsOf(to),
      ...(version !== undefined && { version }),
      ...(expires !== undefined && { expires }),
    },
  ]
}

const textsOf = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

function definitionsOf({ markings }: JsonObject): Definitions {
  if (!Array.isArray(markings)) throw invalid('`markings`', 'an array of marking-definitions')
  return new Definitions(markings.filter(isJsonObject))
}

function objectOf(request: JsonObject, name: string): JsonObject {
  const value = request[name]
  if (!isJsonObject(value)) throw invalid(`\`${name}\``, 'an object')
  return value
}

function textOf(request: JsonObject, name: string): string {
  const value = request[name]
  if (typeof value !== 'string') throw invalid(`\`${name}\``, 'a text')
  return value
}

const invalid = (what: string, expected: string) =>
  new PolicyError('POLICY_REQUEST_INVALID', `In this vector ${what} must be ${expected}; see SHARING-RULES section 7`)
