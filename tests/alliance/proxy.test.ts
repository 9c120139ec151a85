// Proxies on the way: out through the one that HTTPS_PROXY names, in through one that stands before the node.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readEnvironment } from '#node'
import { loopbackCertificate } from './certificate.ts'
import { connectProxy, PASSWORD } from './forward-proxy.ts'
import { holds, indicator, openWorld, publish, until } from './world.ts'

const ALLIANCES = { trilateral: ['jp-nco', 'us-cisa'] }

function certificateFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-proxy-'))
  const { cert, key } = loopbackCertificate()
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  return {
    certFile,
    keyFile,
    caFile: certFile,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

test('the environment names the proxy and what goes directly', () => {
  assert.deepEqual(readEnvironment({ HTTPS_PROXY: 'http://p:1', NO_PROXY: '.example' }).proxy, {
    url: 'http://p:1',
    except: '.example',
  })
  assert.deepEqual(readEnvironment({ https_proxy: 'http://p:1' }).proxy, { url: 'http://p:1' })
  assert.equal(readEnvironment({ NO_PROXY: '*' }).proxy, undefined)
})

test('links over https go through the proxy with its credentials', async () => {
  using tls = certificateFiles()
  using proxy = await connectProxy()
  await using world = await openWorld({
    alliances: ALLIANCES,
    tls,
    options: (slug) => (slug === 'us-cisa' ? { proxy: { url: proxy.url(PASSWORD) } } : {}),
  })
  await until('the link is up', () => world.node('us-cisa').federation.links()[0]?.state === 'up')
  const { host } = new URL(world.node('jp-nco').url())
  assert.ok(proxy.tunnels.length > 0)
  assert.ok(proxy.tunnels.every((target) => target === host))
})

test('a proxy that refuses is named by the link, its password is not', async () => {
  using tls = certificateFiles()
  using proxy = await connectProxy()
  const wrong = 'wrong-password'
  await using world = await openWorld({
    alliances: ALLIANCES,
    tls,
    options: () => ({ proxy: { url: proxy.url(wrong) } }),
  })
  await until('the link is down', () => world.node('us-cisa').federation.links()[0]?.state === 'down')
  const [link] = world.node('us-cisa').federation.links()
  assert.match(link?.lastError ?? '', /407|proxy/i)
  assert.ok(!(JSON.stringify(link) + world.log('us-cisa')).includes(wrong))
  assert.deepEqual(proxy.tunnels, [])
})

test('hosts of NO_PROXY are reached directly', async () => {
  using tls = certificateFiles()
  using proxy = await connectProxy()
  await using world = await openWorld({
    alliances: ALLIANCES,
    tls,
    options: () => ({ proxy: { url: proxy.url(PASSWORD), except: '127.0.0.1' } }),
  })
  await until('the link is up', () => world.node('us-cisa').federation.links()[0]?.state === 'up')
  assert.deepEqual(proxy.tunnels, [])
})

test('behind a proxy that rewrites Host and holds answers back, the stream flows all the same', async () => {
  await using world = await openWorld({ alliances: ALLIANCES, links: false, options: () => ({ behindProxy: true }) })
  const script = fileURLToPath(new URL('reverse-proxy.ts', import.meta.url))
  const proxy = fork(script, [world.node('jp-nco').url()], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  try {
    const [line] = (await once(proxy.stdout!, 'data')) as [Buffer]
    await world.node('us-cisa').federation.addLink('jp-nco', `http://127.0.0.1:${String(line).trim()}`)
    await until('the link is up', () => world.node('us-cisa').federation.links()[0]?.state === 'up')
    for (const address of ['198.51.100.30', '198.51.100.31']) {
      const signal = indicator(address)
      await publish(world, 'jp-nco', [signal], { tlp: 'amber' })
      // The next poll is a minute away: only the stream brings it.
      await until('it came by the stream', () => holds(world, 'us-cisa', signal.id))
    }
    assert.equal(world.node('us-cisa').federation.links()[0]?.way, undefined)
  } finally {
    proxy.disconnect()
  }
})
