/*
 * Every oddity that other servers were seen to have, as requests and answers in recorded/: each is played over real HTTP to
 * the client, which must ask as recorded, take every object once, and tell what it could not reach. A recording holds
 *
 *   seen       where it is known from
 *   exchanges  what is asked ("METHOD path", query) and answered; the same request asked again gets the next answer.
 *              An object is written as a number, or as {"n": number} with properties that differ (null: absent)
 *   takes      the objects that must have come in the end, in order; gaps, fails, sleeps, … what else must show
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { TLP_2_MARKINGS, TLP_LEVELS } from '#stix'
import type { ClientOptions } from '../client/client-options.ts'
import { collectionsAt, findCollection, type RemoteCollection } from '../client/discover.ts'
import { TaxiiClientError } from '../client/error.ts'
import { TaxiiHttp } from '../client/http.ts'
import { parseObjects, SourceMarkings } from '../client/markings.ts'
import { type Position, pullPages } from '../client/pull.ts'
import { push, toSubmissions } from '../client/push.ts'

interface Exchange {
  ask: string
  query?: Record<string, string>
  status: number
  headers: Record<string, string>
  body?: unknown
  text?: string
}

interface Recording {
  title: string
  servers: string[]
  seen: string[]
  does: 'pull' | 'push'
  address: string
  exchanges: Exchange[]
  takes?: (number | string)[]
  limit?: number
  runs?: number
  gaps?: string[]
  position?: Position
  fails?: string
  says?: string
  sleeps?: number[]
  levels?: Record<string, string>
  sends?: number[]
  pushes?: { failures: number; pending: number }
  maxBytes?: number
}

const FOLDER = fileURLToPath(new URL('recorded/', import.meta.url))
const NOW = Date.parse('2026-01-01T00:00:00Z')
const idOf = (n: number | string) =>
  typeof n === 'string' ? n : `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const indicator = (n: number, more: object = {}) => {
  const all = {
    type: 'indicator',
    spec_version: '2.1',
    id: idOf(n),
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    pattern: `[ipv4-addr:value = '10.0.0.${n}']`,
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00Z',
    ...more,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
}

/** Numbers stand for objects wherever objects are listed. */
function withObjects(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('objects' in value)) return value
  const objects = (value.objects as unknown[]).map((one) => {
    if (typeof one === 'number') return indicator(one)
    const { n, ...more } = one as { n?: number }
    return n === undefined ? withObjects(one) : indicator(n, more)
  })
  return { ...value, objects }
}

/** A server that answers as recorded. */
async function replay({ exchanges }: Recording) {
  const served = exchanges.map(() => 0)
  const unknown: string[] = []
  const server = createServer((request, response) => {
    request.resume()
    const url = new URL(request.url ?? '', 'http://localhost')
    const query = Object.fromEntries(url.searchParams)
    const fits = exchanges.flatMap(({ ask, query: asked = {} }, i) =>
      ask === `${request.method} ${url.pathname}` && isDeepStrictEqual(query, asked) ? [i] : [],
    )
    const at = fits.find((i) => served[i] === 0) ?? fits.at(-1)
    if (at === undefined) {
      unknown.push(`${request.method} ${request.url}`)
      return response.writeHead(410).end()
    }
    const { status, headers, body, text } = exchanges[at] as Exchange
    served[at] = (served[at] ?? 0) + 1
    const origin = `http://${request.headers.host}`
    const { 'x-recorded-prefix': prefix, ...sent } = headers
    response.writeHead(
      status,
      Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, value.replace('{{origin}}', origin)])),
    )
    response.end((prefix === 'bom' ? '\ufeff' : '') + (text ?? JSON.stringify(withObjects(body))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    unknown,
    unserved: () =>
      exchanges.filter((_, i) => served[i] === 0).map(({ ask, query }) => `${ask} ${JSON.stringify(query)}`),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()),
  }
}

async function find(http: TaxiiHttp, address: string): Promise<RemoteCollection> {
  const answer = findCollection(await collectionsAt(http, address), undefined)
  if (!answer.found) throw new TaxiiClientError('TAXII_SERVER_ODD', answer.why)
  return answer.found
}

async function playPull(recording: Recording, http: TaxiiHttp, url: string): Promise<void> {
  const came: { id: string; bytes: Uint8Array }[] = []
  const gaps: string[] = []
  let position: Position = {}
  const run = async () => {
    const { url: collection } = await find(http, url + recording.address)
    const options = recording.limit === undefined ? {} : { limit: recording.limit }
    for (let runs = 0; runs < (recording.runs ?? 1); runs++)
      for await (const page of pullPages(http, collection, position, options)) {
        came.push(...page.objects)
        if (page.gap !== undefined) gaps.push(page.gap)
        assert.deepEqual(page.unreadable, [])
        position = page.position
      }
  }
  if (recording.fails === undefined) await run()
  else
    await assert.rejects(run, (error: TaxiiClientError) => {
      assert.equal(error.code, recording.fails)
      assert.match(error.message, new RegExp(recording.says ?? ''))
      return true
    })
  // A page may come again after a server forgot its place: the same version again is no other object.
  const ids = [...new Set(came.map(({ id }) => id))]
  assert.deepEqual(ids, recording.takes?.map(idOf))
  assert.equal(gaps.length, recording.gaps?.length ?? 0, gaps.join(' '))
  for (const [i, part] of (recording.gaps ?? []).entries()) assert.ok(gaps[i]?.includes(part), gaps[i])
  if (recording.position) assert.equal(position.addedAfter, recording.position.addedAfter)
  if (recording.levels) assertLevels(recording.levels, came)
}

function assertLevels(levels: Record<string, string>, came: { id: string; bytes: Uint8Array }[]): void {
  const { parsed } = parseObjects(came)
  const markings = new SourceMarkings([])
  for (const { value } of parsed) if (value['type'] === 'marking-definition') markings.learn(value)
  for (const [n, level] of Object.entries(levels)) {
    const object = parsed.find(({ value }) => value['id'] === idOf(Number(n)))
    const read = object && markings.translate(object)
    assert.ok(read && !('unknown' in read))
    const tlp = TLP_2_MARKINGS[TLP_LEVELS.findIndex((one) => one === level)]?.['id']
    assert.deepEqual(read.value['object_marking_refs'], [tlp])
  }
}

async function playPush(recording: Recording, http: TaxiiHttp, url: string): Promise<void> {
  const collection = await find(http, url + recording.address)
  if (recording.maxBytes !== undefined) assert.equal(collection.maxBytes, recording.maxBytes)
  const objects = (recording.sends ?? []).map((n) => Buffer.from(JSON.stringify(indicator(n))))
  const done = { failures: 0, pending: 0 }
  for await (const submission of toSubmissions(objects, collection.maxBytes)) {
    const { failures, pending } = await push(http, collection, submission)
    assert.ok(failures.every(({ id, version }) => typeof id === 'string' && typeof version === 'string'))
    done.failures += failures.length
    done.pending += pending
  }
  assert.deepEqual(done, recording.pushes)
}

describe('what other servers were seen to do', () => {
  for (const name of readdirSync(FOLDER)) {
    const recording = JSON.parse(readFileSync(FOLDER + name, 'utf8')) as Recording
    test(`${name.replace('.json', '')}: ${recording.title}`, { timeout: 30_000 }, async () => {
      assert.ok(recording.seen.length > 0 && recording.seen.every((url) => url.startsWith('https://github.com/')))
      await using there = await replay(recording)
      const slept: number[] = []
      const http = new TaxiiHttp({
        fetch: (url, init) => fetch(url, init as RequestInit) as ReturnType<ClientOptions['fetch']>,
        sleep: async (ms) => void slept.push(ms),
        now: () => NOW,
        random: () => 0,
      })
      await (recording.does === 'pull' ? playPull : playPush)(recording, http, there.url)
      assert.deepEqual(there.unknown, [], 'asked for what the recording does not have')
      assert.deepEqual(there.unserved(), [], 'never asked')
      if (recording.sleeps) assert.deepEqual(slept, recording.sleeps)
    })
  }
})
