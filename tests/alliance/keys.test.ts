// Keys of running nodes: replaced while links are up, by a stopped node, and after a theft.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, indicator, init, noroshi, type Ran, serve, type Served } from '../cli/command-line.ts'

const LIMIT_MS = 40_000

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `not within ${LIMIT_MS} ms: ${what}`)
    await sleep(100)
  }
}

const done = (ran: Ran) => {
  assert.equal(ran.code, 0, ran.stderr)
  return ran.json()[0] as Record<string, unknown>
}

async function publish(node: Served, address: string): Promise<string> {
  const object = indicator(address)
  const answer = await node.ask('/api/v1/publish?tlp=amber&to=alliance:pair', {
    method: 'POST',
    body: JSON.stringify([object]),
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 200, await answer.text())
  return String(object['id'])
}

const holds = async (node: Served, id: string) => (await node.ask(`/api/v1/objects/${id}`)).status === 200
const isUp = async (node: Served) => {
  const { links } = (await (await node.ask('/api/v1/links')).json()) as { links: { state: string }[] }
  return links.length > 0 && links.every(({ state }) => state === 'up')
}
const seed = (dir: string) => readFile(join(dir, 'keys', 'node.seed'), 'utf8')

test('a node key is replaced while links run, while the node is stopped, and after a theft, and nothing is lost', async () => {
  await using home = await folder()
  const [jp, us] = [home.in('jp'), home.in('us')]
  await init(jp)
  await init(us, 'us-cisa')
  let one = await serve(jp)
  const two = await serve(us)
  try {
    await noroshi(['alliance', 'create', 'pair', '--dir', jp])
    const invitation = (await noroshi(['alliance', 'invite', 'pair', '--dir', jp])).stdout.trim()
    const { words } = done(await noroshi(['alliance', 'join', invitation, '--dir', us, '--json'])) as { words: string }
    done(await noroshi(['alliance', 'approve', 'pair', '--dir', jp, '--member', 'us-cisa', '--words', words, '--json']))
    await eventually('us is in', async () => {
      const asked = await noroshi(['alliance', 'requests', 'pair', '--dir', us, '--json'])
      return asked.json()[0]?.['member'] === true
    })
    await noroshi(['link', 'add', 'us-cisa', two.url, '--dir', jp])
    await noroshi(['link', 'add', 'jp-nco', one.url, '--dir', us])
    await eventually('both links', async () => (await isUp(one)) && (await isUp(two)))
    const first = await publish(one, '198.51.100.1')
    await eventually('the first', () => holds(two, first))

    const before = await seed(jp)
    const changed = done(await noroshi(['alliance', 'rekey', '--dir', jp, '--json']))
    assert.equal((changed['told'] as unknown[]).length, 1)
    assert.deepEqual(changed['charters'], [{ alliance: 'pair', version: 3, inForce: false }])
    const now = await seed(jp)
    assert.notEqual(now, before)
    const second = await publish(one, '198.51.100.2')
    await eventually('under the new key', () => holds(two, second))
    assert.ok(await isUp(one))

    const since = new Date().toISOString()
    await sleep(50)
    const third = await publish(one, '198.51.100.3')
    await eventually('what a thief could have signed', () => holds(two, third))
    await one.stop()
    const stolen = await noroshi(['alliance', 'compromised', '--since', since, '--dir', jp])
    assert.equal(stolen.code, 0, stolen.stderr)
    assert.match(stolen.stderr, /The node is stopped/)
    assert.equal(await seed(jp), now, 'taken up when it starts')
    one = await serve(jp, ['--port', new URL(one.url).port])
    assert.notEqual(await seed(jp), now)
    const fourth = await publish(one, '198.51.100.4')
    await eventually('under the third key', () => holds(two, fourth))
    await eventually('vouched for', () => holds(two, third))
    const alarms = await (await two.ask('/api/v1/journal?stream=alarms&limit=1000')).text()
    assert.ok(alarms.includes('compromised since'), alarms)

    // The old key is back, as a thief would have it: its node is nobody.
    await one.stop()
    await writeFile(join(jp, 'keys', 'node.seed'), now)
    const thief = await serve(jp, ['--port', new URL(one.url).port])
    const fifth = await publish(thief, '198.51.100.5')
    await sleep(2_000)
    assert.equal(await holds(two, fifth), false)
    await thief.stop()

    const wrong = await noroshi(['alliance', 'compromised', '--since', 'yesterday', '--dir', jp])
    assert.equal(wrong.code, 2)
    for (const dir of [us]) {
      await two.stop()
      const checked = await noroshi(['fsck', '--dir', dir])
      assert.equal(checked.code, 0, checked.stdout)
    }
  } finally {
    await one[Symbol.asyncDispose]()
    await two[Symbol.asyncDispose]()
  }
})
