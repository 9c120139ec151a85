import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromBase64, toBase64, utf8 } from '#base'
import type { RootSigner } from '#federation'
import { toSigner, verifySignature } from '#log'
import { isSignatureNeeded, RemoteRoot } from './remote-root.ts'

const key = toSigner(new Uint8Array(32).fill(1))
const other = toSigner(new Uint8Array(32).fill(2))

function world() {
  let clock = 1_000
  const root = new RemoteRoot(
    () => key.publicKey,
    () => clock,
  )
  const effects: string[] = []
  const operation = async (signer: RootSigner) => {
    await sleep(1)
    const bytes = utf8(`made at ${signer.at}`)
    const signature = signer.sign(bytes)
    effects.push(`signed ${verifySignature(key.publicKey, bytes, signature)}`)
    return 'done'
  }
  return { root, effects, operation, pass: (ms: number) => (clock += ms) }
}

test('an operation stops for the signature, and goes on with it at the same instant', async () => {
  const { root, effects, operation, pass } = world()
  const first = await root.run({}, operation)
  assert.ok(isSignatureNeeded(first))
  assert.deepEqual(effects, [], 'nothing was done before the signature')
  pass(60_000)
  const signatures = [{ bytes: first.sign.bytes, sig: toBase64(key.sign(fromBase64(first.sign.bytes))) }]
  assert.equal(await root.run({ time: first.time, signatures }, operation), 'done')
  assert.deepEqual(effects, ['signed true'])
})

test('a signature by another key, or for an instant long past or ahead, is refused', async () => {
  const { root, effects, operation, pass } = world()
  const first = await root.run({}, operation)
  assert.ok(isSignatureNeeded(first))
  const { bytes } = first.sign
  const forged = [{ bytes, sig: toBase64(other.sign(fromBase64(bytes))) }]
  await assert.rejects(root.run({ time: first.time, signatures: forged }, operation), { code: 'INPUT_INVALID' })
  const good = [{ bytes, sig: toBase64(key.sign(fromBase64(bytes))) }]
  await assert.rejects(root.run({ time: first.time + 1, signatures: good }, operation), { code: 'INPUT_INVALID' })
  pass(3_600_000)
  await assert.rejects(root.run({ time: first.time, signatures: good }, operation), { code: 'INPUT_INVALID' })
  assert.deepEqual(effects, [])
})

test('a fault of the operation itself stays a fault', async () => {
  const { root } = world()
  await assert.rejects(
    root.run({}, () => Promise.reject(new Error('of its own'))),
    /of its own/,
  )
})
