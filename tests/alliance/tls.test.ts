// Links and clients over TLS, with an authority of the alliance's own; an unknown authority is not believed.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readOperatorToken } from '#node'
import { loopbackCertificate } from './certificate.ts'
import { indicator, openWorld, until, type World } from './world.ts'

const ALLIANCES = { trilateral: ['jp-nco', 'us-cisa'] }

function certificateFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-tls-'))
  const { cert, key } = loopbackCertificate()
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  return { cert, certFile, keyFile, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

async function request(world: World, slug: string, ca: string, path: string, body?: unknown) {
  const token = await readOperatorToken(world.dir(slug))
  const sent = https.request(world.node(slug).url() + path, {
    ca,
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
