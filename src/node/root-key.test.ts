import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toSigner } from '#log'
import { demoSeed, isDemoKey, openRootKey, sealRootKey } from './root-key.ts'

const seed = new Uint8Array(32).fill(7)
const { publicKey } = toSigner(seed)

test('a sealed root key opens with its passphrase alone', async () => {
  const sealed = await sealRootKey(seed, publicKey, 'pässphrase')
  assert.deepEqual(await openRootKey(sealed, 'pässphrase'), seed)
  assert.deepEqual(await openRootKey(sealed, 'pa\u0308ssphrase'), seed, 'however the keyboard composes it')
  await assert.rejects(openRootKey(sealed, 'passphrase'), { code: 'PASSPHRASE_WRONG' })
  assert.ok(!JSON.stringify(sealed).includes(Buffer.from(seed).toString('base64')))
})

test('a sealed file that was changed does not open, and never asks for unbounded work', async () => {
  const sealed = await sealRootKey(seed, publicKey, 'x')
  const other = Buffer.from(toSigner(new Uint8Array(32).fill(8)).publicKey).toString('base64')
  await assert.rejects(openRootKey({ ...sealed, publicKey: other }, 'x'), { code: 'PASSPHRASE_WRONG' })
  await assert.rejects(openRootKey({ ...sealed, n: 2 ** 30 }, 'x'), { code: 'KEY_UNREADABLE' })
  await assert.rejects(openRootKey({ ...sealed, sealed: 'AAAA' }, 'x'), { code: 'KEY_UNREADABLE' })
})

test('demo keys are recognised by their bytes, whichever of the two it is', () => {
  const demo = (purpose: 'root' | 'node') => toSigner(demoSeed('jp-nco', purpose)).publicKey
  assert.equal(isDemoKey('jp-nco', demo('node'), publicKey), true)
  assert.equal(isDemoKey('jp-nco', publicKey, demo('root')), true)
  assert.equal(isDemoKey('jp-nco', publicKey, publicKey), false)
})
