// Links and clients over TLS, with an authority of the alliance's own; an unknown authority is not believed.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { examine, readOperatorToken } from '#node'
import { loopbackCertificate } from './certificate.ts'
import { holds, indicator, openWorld, publish, until, type World } from './world.ts'

const ALLIANCES = { trilateral: ['jp-nco', 'us-cisa'] }

function certificateFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-tls-'))
  const { cert, key } = loopbackCertificate()
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  return { cert, key, certFile, keyFile, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

async function request(world: World, slug: string, ca: string, path: string, body?: unknown, more = {}) {
  const token = await readOperatorToken(world.dir(slug))
  const sent = https.request(world.node(slug).url() + path, {
    ca,
    ...more,
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return { status: answer.statusCode, text }
}

test('two nodes mirror over TLS under an authority that both were given', async () => {
  using files = certificateFiles()
  const tls = { certFile: files.certFile, keyFile: files.keyFile, caFile: files.certFile }
  await using world = await openWorld({ alliances: ALLIANCES, tls })
  assert.match(world.node('jp-nco').url(), /^https:/)
  const signal = indicator('198.51.100.20')
  const body = { objects: [signal], tlp: 'amber', to: ['alliance:trilateral'] }
  const published = await request(world, 'jp-nco', files.cert, '/api/v1/publish', body)
  assert.equal(published.status, 200, published.text)
  await until('mirrored', async () => {
    const { status } = await request(world, 'us-cisa', files.cert, `/api/v1/objects/${signal.id}`)
    return status === 200
  })
})

test('a peer under an authority that was not given gets nothing', async () => {
  using files = certificateFiles()
  await using world = await openWorld({
    alliances: ALLIANCES,
    tls: { certFile: files.certFile, keyFile: files.keyFile },
  })
  await until('both links have failed', async () =>
    ['jp-nco', 'us-cisa'].every((slug) => {
      const [link] = world.node(slug).federation.links()
      return link?.state === 'down' && /certificate|self.signed/i.test(link.lastError ?? '')
    }),
  )
})

test('with mutual TLS, who shows no certificate gets no connection; requests must be signed all the same', async () => {
  using files = certificateFiles()
  using strange = certificateFiles()
  const { certFile, keyFile } = files
  const tls = { certFile, keyFile, caFile: certFile, clientCaFile: certFile }
  await using world = await openWorld({ alliances: ALLIANCES, tls })
  const own = { cert: files.cert, key: files.key }
  const signal = indicator('198.51.100.21')
  const body = { objects: [signal], tlp: 'amber', to: ['alliance:trilateral'] }
  const published = await request(world, 'jp-nco', files.cert, '/api/v1/publish', body, own)
  assert.equal(published.status, 200, published.text)
  await until('mirrored', async () => {
    const { status } = await request(world, 'us-cisa', files.cert, `/api/v1/objects/${signal.id}`, undefined, own)
    return status === 200
  })
  const refused = {
    message: /certificate required|handshake failure|unknown ca|bad certificate|socket hang up|ECONNRESET/i,
  }
  await assert.rejects(request(world, 'jp-nco', files.cert, '/healthz'), refused)
  const other = { cert: strange.cert, key: strange.key }
  await assert.rejects(request(world, 'jp-nco', files.cert, '/link/v1/logs', undefined, other), refused)
  assert.equal((await request(world, 'jp-nco', files.cert, '/link/v1/logs', undefined, own)).status, 401)
})

test('a node that shows another certificate than its peer asks for fails to call it, and says why', async () => {
  using files = certificateFiles()
  using strange = certificateFiles()
  const { certFile, keyFile } = files
  const options = (slug: string) => {
    const own = { certFile, keyFile, caFile: certFile }
    const shown = { clientCertFile: strange.certFile, clientKeyFile: strange.keyFile }
    return { tls: slug === 'jp-nco' ? { ...own, clientCaFile: certFile } : { ...own, ...shown } }
  }
  await using world = await openWorld({ alliances: ALLIANCES, options })
  // It can call; so its logs come all the same, by its offers.
  await until('the call fails, with the reason', () => {
    const [link] = world.node('us-cisa').federation.links()
    return link !== undefined && link.failures > 0 && /certificate|unknown ca|alert/i.test(link.lastError ?? '')
  })
  await until('the other direction is up', () => world.node('jp-nco').federation.links()[0]?.state === 'up')
})

test('nodes with a literal IPv6 address are linked, invited to and looked at by it', async () => {
  await using world = await openWorld({ alliances: ALLIANCES, options: () => ({ host: '::1' }) })
  assert.match(world.node('jp-nco').url(), /^http:\/\/\[::1\]:\d+$/)
  const signal = indicator('198.51.100.22')
  await publish(world, 'jp-nco', [signal], { tlp: 'amber' })
  await until('mirrored', () => holds(world, 'us-cisa', signal.id))
  const [link] = world.node('us-cisa').federation.links()
  assert.match(link?.address ?? '', /\[::1\]/)
  const findings = await examine(world.dir('us-cisa'), Date.now())
  const peer = findings.find(({ check }) => check === 'peer')
  assert.equal(peer?.state, 'ok', peer?.what)
  assert.match(peer?.what ?? '', /\[::1\]/)
  const { alliances } = world.node('jp-nco').federation
  const { text } = await alliances.invite('trilateral', { address: world.node('jp-nco').url() })
  const { address } = JSON.parse(Buffer.from(text, 'base64url').toString()) as { address: string }
  assert.equal(address, world.node('jp-nco').url())
})
