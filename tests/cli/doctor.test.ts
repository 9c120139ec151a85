// The doctor, over real nodes and real faults.
import assert from 'node:assert/strict'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { loopbackCertificate } from '../alliance/certificate.ts'
import { connectProxy, PASSWORD } from '../alliance/forward-proxy.ts'
import { folder, init, noroshi, serve } from './command-line.ts'

interface Finding {
  check: string
  state: string
  what: string
  next?: string
}

async function examine(dir: string, env = {}): Promise<{ code: number | null; findings: Finding[] }> {
  const ran = await noroshi(['doctor', '--dir', dir, '--json'], { env })
  assert.equal(ran.stderr, '')
  return { code: ran.code, findings: ran.json()[0]?.['findings'] as Finding[] }
}

const of = (findings: readonly Finding[], check: string) => findings.filter((finding) => finding.check === check)

/** Changes noroshi.json. */
async function configure(dir: string, change: object): Promise<void> {
  const path = join(dir, 'noroshi.json')
  await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), ...change }))
}

async function occupy(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as { port: number }).port }
}

test('a new node is well, stopped or running, and the answer is in words too', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const stopped = await examine(dir)
  assert.equal(stopped.code, 0)
  assert.match(of(stopped.findings, 'data directory')[0]!.what, /holds the node of jp-nco/)
  assert.match(of(stopped.findings, 'keys')[0]!.what, /the node key counts for 36\d more days/)
  assert.match(of(stopped.findings, 'disk')[1]!.what, /a synced write takes [\d.]+ ms/)
  assert.ok(of(stopped.findings, 'address').every(({ state, next }) => state === 'warn' && next !== undefined))
  await using node = await serve(dir)
  const words = await noroshi(['doctor', '--dir', dir])
  assert.equal(words.code, 0)
  assert.ok(words.stdout.includes(`✔ port: the node serves at ${node.url}`), words.stdout)
})

test('each thing that is wrong is named with what to do, and the exit code says no', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await chmod(dir, 0o755)
  const { server, port } = await occupy()
  await configure(dir, {
    listen: { host: '127.0.0.1', port },
    tls: { certFile: home.in('none.pem'), keyFile: home.in('none.pem') },
  })
  const { code, findings } = await examine(dir)
  assert.equal(code, 1)
  const [mode] = of(findings, 'data directory')
  assert.deepEqual([mode?.state, mode?.next], ['warn', `chmod 700 ${dir}`])
  assert.match(of(findings, 'port')[0]!.what, /EADDRINUSE/)
  assert.match(of(findings, 'certificate')[0]!.what, /ENOENT.*none\.pem/)
  server.close()
  await rm(join(dir, 'keys', 'node.seed'))
  const broken = await examine(dir)
  assert.deepEqual(
    broken.findings.map(({ check, state }) => [check, state]),
    [['data directory', 'fail']],
  )
  assert.match(broken.findings[0]!.next!, /backup/)
})

test('a certificate that fits no name, no key or no date is found out', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const one = loopbackCertificate()
  const other = loopbackCertificate()
  await writeFile(home.in('cert.pem'), one.cert)
  await writeFile(home.in('key.pem'), one.key)
  await writeFile(home.in('other.pem'), other.key)
  const tls = { certFile: home.in('cert.pem'), keyFile: home.in('key.pem'), caFile: home.in('cert.pem') }
  const look = async (change: object) => {
    await configure(dir, change)
    return of((await examine(dir)).findings, 'certificate')
  }
  const good = await look({ tls, publicUrl: 'https://127.0.0.1:7330' })
  assert.ok(good.every(({ state }) => state !== 'fail'))
  const [, named] = await look({ publicUrl: 'https://jp.example' })
  assert.match(named!.what, /is not for jp\.example/)
  const [pair] = await look({ tls: { ...tls, keyFile: home.in('other.pem') } })
  assert.match(pair!.what, /is not the key of/)
})

test('peers: out of reach, no node, or up over TLS under a private authority', async () => {
  await using home = await folder()
  const [jp, us] = [home.in('jp'), home.in('us')]
  const pair = loopbackCertificate()
  await writeFile(home.in('cert.pem'), pair.cert)
  await writeFile(home.in('key.pem'), pair.key)
  const tls = { certFile: home.in('cert.pem'), keyFile: home.in('key.pem'), caFile: home.in('cert.pem') }
  await init(jp)
  await init(us, 'us-cisa')
  await using one = await serve(jp)
  await configure(us, { tls })
  await using two = await serve(us)
  await noroshi(['alliance', 'create', 'pair', '--dir', jp])
  const invitation = (await noroshi(['alliance', 'invite', 'pair', '--dir', jp])).stdout.trim()
  const asked = await noroshi(['alliance', 'join', invitation, '--dir', us, '--json'])
  const words = String(asked.json()[0]?.['words'])
  const done = await noroshi(['alliance', 'approve', 'pair', '--dir', jp, '--member', 'us-cisa', '--words', words])
  assert.equal(done.code, 0, done.stderr)
  const { server, port } = await occupy()
  await noroshi(['link', 'add', 'us-cisa', `http://127.0.0.1:${port}`, '--dir', jp])
  const silent = of((await examine(jp)).findings, 'peer')
  assert.match(silent[0]!.what, /us-cisa at http:.*no answer/)
  server.close()
  await noroshi(['link', 'add', 'us-cisa', `http://127.0.0.1:${port}`, '--dir', jp])
  const closed = await examine(jp)
  assert.match(of(closed.findings, 'peer')[0]!.what, /no connection \(.*ECONNREFUSED/)
  assert.match(of(closed.findings, 'peer')[0]!.next!, /firewalls/)
  assert.equal(closed.code, 1)
  await noroshi(['link', 'add', 'us-cisa', two.url, '--dir', jp])
  const stranger = of((await examine(jp)).findings, 'peer')
  assert.match(stranger[0]!.what, /no certificate \(/)
  assert.match(stranger[0]!.next!, /caFile/)
  using proxy = await connectProxy()
  await configure(jp, { tls })
  const through = await examine(jp, { HTTPS_PROXY: proxy.url(PASSWORD) })
  assert.match(of(through.findings, 'proxy')[0]!.what, /^https goes through http:\/\/127\.0\.0\.1:\d+$/)
  assert.match(of(through.findings, 'peer')[0]!.what, /^us-cisa at https:\S+ answers|: up$/)
  assert.equal(proxy.tunnels.length, 1)
  const refused = await examine(jp, { HTTPS_PROXY: proxy.url('wrong') })
  assert.match(of(refused.findings, 'peer')[0]!.what, /no proxy \(.*407/)
  assert.match(of(refused.findings, 'peer')[0]!.next!, /password in HTTPS_PROXY/)
  const direct = await examine(jp, { HTTPS_PROXY: proxy.url('wrong'), NO_PROXY: '127.0.0.1' })
  assert.equal(of(direct.findings, 'peer')[0]!.state, of(through.findings, 'peer')[0]!.state)
  const gone = await examine(jp, { HTTPS_PROXY: `http://node:${PASSWORD}@127.0.0.1:${port}` })
  assert.match(of(gone.findings, 'proxy')[0]!.what, /no connection \(.*ECONNREFUSED/)
  assert.ok(!JSON.stringify([through, refused, direct, gone]).includes(PASSWORD))
  const wrong = await examine(jp, { HTTPS_PROXY: 'socks5://127.0.0.1:9' })
  assert.match(of(wrong.findings, 'proxy')[0]!.next!, /HTTPS_PROXY=http/)
  assert.ok(one.url)
})

test('a node that lets in whom it knows alone is reached by the commands of its own machine', async () => {
  await using home = await folder()
  const dir = home.in('jp')
  const pair = loopbackCertificate()
  await writeFile(home.in('cert.pem'), pair.cert)
  await writeFile(home.in('key.pem'), pair.key)
  const [certFile, keyFile] = [home.in('cert.pem'), home.in('key.pem')]
  await init(dir)
  await configure(dir, { tls: { certFile, keyFile, caFile: certFile, clientCaFile: certFile } })
  await using node = await serve(dir)
  const status = await noroshi(['status', '--dir', dir, '--json'])
  assert.equal(status.code, 0, status.stderr)
  assert.equal(of((await examine(dir)).findings, 'port')[0]!.what, `the node serves at ${node.url}`)
})
