// Tokens, cursors, errors: the small things that stand between a reader and everything else.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { NoroshiError } from '#base'
import { openStore } from '#store'
import { CursorSeal } from './cursor.ts'
import { NodeError, toNodeError } from './errors.ts'
import { bindEvents } from './events.ts'
import { EventHub } from './event-hub.ts'
import { openLog } from './logging.ts'
import { openMetrics } from './metrics.ts'
import { Tokens } from './tokens.ts'

const random = (n: number) => new Uint8Array(randomBytes(n))

async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-access-'))
  const store = await openStore({ folder, now: () => 1_000 })
  return {
    folder,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

test('a token works until it expires or is revoked, also after a restart, and its text is nowhere on disk', async () => {
  await using at = await scratch()
  let now = 1_000
  const open = () => Tokens.open({ store: at.store, now: () => now, random, operatorToken: 'the operator', limit: 3 })
  const tokens = await open()
  const { text, token } = await tokens.create({ name: 'a', scope: 'read', org: 'identity--x', expires: 2_000 })
  assert.deepEqual(tokens.find(text), token)
  assert.equal(tokens.find('the operator')?.scope, 'operator')
  for (const wrong of ['', 'x', `${text} `, text.slice(0, -1), text.toUpperCase()])
    assert.equal(tokens.find(wrong), undefined)
  assert.deepEqual((await open()).find(text), token)
  now = 2_000
  assert.equal(tokens.find(text), undefined, 'at the instant it expires')
  await assert.rejects(tokens.create({ name: 'b', scope: 'read', expires: 2_000 }), { code: 'INPUT_INVALID' })
  const second = await tokens.create({ name: 'b', scope: 'metrics' })
  assert.equal(await tokens.revoke(second.token.id), true)
  assert.equal(tokens.find(second.text), undefined)
  assert.equal((await open()).find(second.text), undefined)
  assert.equal(await tokens.revoke(second.token.id), false)
  for (const name of await readdir(at.folder)) {
    const bytes = await readFile(join(at.folder, name))
    assert.ok(!bytes.includes(text) && !bytes.includes(second.text), name)
  }
})

test('a cursor opens for the token it was given to alone, and its length tells nothing', () => {
  const seal = new CursorSeal(random)
  fc.assert(
    fc.property(fc.string({ maxLength: 90 }), fc.string(), fc.string(), (cursor, token, other) => {
      const sealed = seal.seal(cursor, token)
      assert.equal(seal.open(sealed, token), cursor)
      if (other !== token) assert.throws(() => seal.open(sealed, other), { code: 'CURSOR_INVALID' })
      assert.throws(() => seal.open(sealed.slice(0, -2), token), { code: 'CURSOR_INVALID' })
      if (Buffer.byteLength(cursor) < 94) assert.equal(sealed.length, seal.seal('', token).length)
    }),
    { numRuns: 200 },
  )
  for (const junk of ['', 'x', '!!!', 'A'.repeat(500)])
    assert.throws(() => seal.open(junk, 't'), { code: 'CURSOR_INVALID' })
})

test('faults of other parts are answered by the table; what is not the caller’s own stays inside', () => {
  class StoreError extends NoroshiError {}
  class PolicyError extends NoroshiError {}
  const code = (error: unknown) => toNodeError(error).code
  assert.equal(code(new StoreError('STORE_DAMAGED', 'x')), 'STORE_FAILED')
  assert.equal(toNodeError(new StoreError('STORE_DAMAGED', 'x')).expose, false)
  assert.equal(code(new StoreError('STORE_DISK_FULL', 'x')), 'DISK_FULL')
  assert.equal(code(new Error('x', { cause: Object.assign(new Error('y'), { code: 'ENOSPC' }) })), 'DISK_FULL')
  assert.equal(code(new PolicyError('POLICY_TARGET_UNKNOWN', 'x')), 'INPUT_INVALID')
  assert.deepEqual(toNodeError(new TypeError('secret detail')), {
    code: 'INTERNAL',
    message: 'secret detail',
    expose: false,
  })
  assert.equal(code(new NodeError('PORT_IN_USE', 'x')), 'PORT_IN_USE')
  for (const odd of [undefined, null, 'text', 3, {}]) assert.equal(code(odd), 'INTERNAL')
})

test('an event never throws, whatever its sinks do', async () => {
  const lines: string[] = []
  const log = openLog('debug', { write: (line: string) => void lines.push(line) })
  const hub = new EventHub()
  hub.listen(() => {
    throw new Error('a listener fails')
  })
  const store = { commit: () => Promise.reject(new Error('the disk fails')) }
  const events = bindEvents({ store: store as never, log, metrics: openMetrics(), hub, now: () => 1 })
  events.published([{ log: 'l', index: 1, id: 'indicator--1', time: 1 }])
  events.alarm({ kind: 'fork', peer: 'identity--x', message: 'm', time: 1 })
  await events.settled()
  assert.ok(lines.some((line) => line.includes('could not be recorded')))
  assert.ok(lines.some((line) => line.includes('journal row lost')))
})

test('the log writes no secret that is handed to it by name', () => {
  let written = ''
  const log = openLog('info', { write: (line: string) => void (written += line) })
  log.info({ token: 's3cret', req: { headers: { authorization: 'Bearer s3cret' } }, a: { passphrase: 's3cret' } }, 'x')
  assert.ok(!written.includes('s3cret'), written)
})
