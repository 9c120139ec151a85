import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex, utf8 } from '#base'
import { type LinkHeaders, type LinkVerifying, memberIdOf, signLinkRequest, toSigner, verifyLinkRequest } from '#log'

const signer = toSigner(new Uint8Array(32).fill(5))
const from = memberIdOf(signer.publicKey)
const to = memberIdOf(toSigner(new Uint8Array(32).fill(6)).publicKey)
const created = 1_767_225_600
const nonce = '0'.repeat(32)
const request = { method: 'POST', target: '/link/v1/receipts?x=%7e', body: utf8('{}') }
const headers = signLinkRequest(request, { from, to, created, nonce, signer })
const verifying: LinkVerifying = {
  self: to,
  now: created * 1000,
  publicKey: (member, key) => (member === from && key === signer.keyId ? signer.publicKey : undefined),
  isSeen: () => false,
}
const verify = (change: object = {}, changed: Record<string, unknown> = {}, how: Partial<LinkVerifying> = {}) =>
  verifyLinkRequest(
    { ...request, headers: { ...headers, ...changed } as LinkHeaders, ...change },
    { ...verifying, ...how },
  )
const refused = (code: string, ...args: Parameters<typeof verify>) => assert.throws(() => verify(...args), { code })

test('a signed request verifies, for any method, target, body and nonce', () => {
  const target = fc
    .tuple(fc.webPath(), fc.option(fc.webQueryParameters(), { nil: undefined }))
    .map(([path, query]) => `/link/v1${path}${query === undefined ? '' : `?${query}`}`)
  const random = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex)
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'PUT'),
      target,
      fc.uint8Array(),
      random,
      (method, path, body, unique) => {
        const asked = { method, target: path, body }
        const signed = signLinkRequest(asked, { from, to, created, nonce: unique, signer })
        const { from: sender, nonce: seen } = verifyLinkRequest({ ...asked, headers: signed }, verifying)
        assert.deepEqual([sender, seen], [from, unique])
      },
    ),
    { numRuns: 60 },
  )
})

test('nothing that is signed can be changed', () => {
  refused('LINK_SIGNATURE', { method: 'PUT' })
  refused('LINK_SIGNATURE', { target: '/link/v1/receipts?x=~' })
  refused('LINK_SIGNATURE', { target: '/link/v1/receipts' })
  refused('LINK_SIGNATURE', { target: '/link/v1/receipts?' })
  refused('LINK_SIGNATURE', { target: '/link/v1/receipt?x=%7e' })
  refused('LINK_SIGNATURE', { body: utf8('{} ') })
  const swap = (name: keyof LinkHeaders & string, a: string, b: string) => ({
    [name]: String(headers[name]).replace(a, b),
  })
  refused('LINK_SIGNATURE', {}, swap('signature-input', String(created), String(created + 1)))
  refused('LINK_SIGNATURE', {}, swap('signature-input', nonce, '1'.repeat(32)))
  refused('LINK_KEY', {}, swap('signature-input', signer.keyId, '1'.repeat(64)))
  refused('LINK_KEY', {}, { 'noroshi-from': to })
})

test('the clock may be 60 s off either way, not 61', () => {
  for (const off of [60, -60]) verify({}, {}, { now: (created + off) * 1000 })
  for (const off of [61, -61]) refused('LINK_CLOCK', {}, {}, { now: (created + off) * 1000 })
})

test("a request for another member, with a seen nonce, or under a key that is not the sender's is refused", () => {
  refused('LINK_RECIPIENT', {}, {}, { self: from })
  refused('LINK_REPLAY', {}, {}, { isSeen: (key, seen) => key === signer.keyId && seen === nonce })
  refused('LINK_KEY', {}, {}, { publicKey: () => undefined })
  refused('LINK_KEY', {}, {}, { publicKey: () => toSigner(new Uint8Array(32)).publicKey })
})

test('components, parameters and headers of any other form are refused', () => {
  const input = headers['signature-input']
  const inputs = [
    input.replace('"@method" "@path"', '"@path" "@method"'),
    input.replace('"@query" ', ''),
    input.replace('"noroshi-to")', '"noroshi-to" "@authority")'),
    input.replace(/;nonce="\w+"/, ''),
    input.replace(/;created=\d+/, ''),
    input.replace(/;tag="[^"]+"/, ''),
    input.replace('noroshi-link-v1', 'noroshi-link-v2'),
    input.replace(/(;created=\d+)(;nonce="\w+")/, '$2$1'),
    input.replace('noroshi=', 'sig1='),
    `${input};alg="ed25519"`,
    `${input}, other=("@method")`,
    input.replace(`"${nonce}"`, `"${nonce.slice(1)}"`),
    input.replace(`"${nonce}"`, `"${'A'.repeat(32)}"`),
    input.replace(/created=(\d+)/, 'created=0$1'),
    input.replace(/created=(\d+)/, 'created="$1"'),
    input.replace(') ', ')  '),
  ]
  for (const bad of inputs) if (bad !== input) refused('LINK_FORM', {}, { 'signature-input': bad })
  const { signature } = headers
  for (const bad of [
    '',
    signature.replace('noroshi', 'sig1'),
    signature.replaceAll(':', ''),
    signature.replace('==', ''),
    `${signature}, a=:AA==:`,
  ])
    refused('LINK_FORM', {}, { signature: bad })
  for (const name of Object.keys(headers)) refused('LINK_FORM', {}, { [name]: undefined })
  refused('LINK_FORM', {}, { signature: [signature, signature] })
  refused('LINK_FORM', {}, { Signature: signature })
  refused('LINK_SIGNATURE', {}, { 'content-digest': headers['content-digest'].replace('sha-256', 'sha-512') })
  refused('LINK_FORM', { target: 'https://peer/link/v1/receipts?x=%7e' })
})

test('header names may come in any case', () => {
  const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]))
  assert.equal(verifyLinkRequest({ ...request, headers: upper }, verifying).from, from)
})

test('what cannot be a link request is not signed', () => {
  const sign = (change: object, asked: object = {}) =>
    signLinkRequest({ ...request, ...asked }, { from, to, created, nonce, signer, ...change })
  for (const change of [{ created: 1.5 }, { created: -1 }, { nonce: 'x' }, { from: 'jp' }, { to: '' }])
    assert.throws(() => sign(change), { code: 'LINK_FORM' })
  for (const asked of [
    { method: 'get' },
    { target: 'x' },
    { target: '/a b' },
    { target: '/a\n"@query": ?' },
    { target: '/a#b' },
  ])
    assert.throws(() => sign({}, asked), { code: 'LINK_FORM' })
})
