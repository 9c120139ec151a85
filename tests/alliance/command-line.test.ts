// An alliance through its command line, between real processes: words compared, root keys that never leave their
// command, a link, and a power cut in the middle of mirroring.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, indicator, init, noroshi, serve, type Served } from '../cli/command-line.ts'

const WAIT_LIMIT_MS = 60_000

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_LIMIT_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_LIMIT_MS} ms: ${what}`)
    await sleep(50)
  }
}

const json = async <T>(args: readonly string[]): Promise<T> => {
  const ran = await noroshi([...args, '--json'])
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`)
  return ran.json()[0] as T
}

const objectsAt = async (node: Served) =>
  ((await (await node.ask('/api/v1/status')).json()) as { objects: number }).objects

test('an alliance is founded, joined by invitation and word code, linked, and mirrors over a power cut', async () => {
  await using home = await folder()
  const [jp, us] = [home.in('jp'), home.in('us')]
  await init(jp, 'jp-nco')
  await init(us, 'us-cisa')
  await using first = await serve(jp)
  let second = await serve(us)

  await json(['alliance', 'create', 'trilateral', '--dir', jp])
  const invitation = await json<{ text: string }>(['alliance', 'invite', 'trilateral', '--dir', jp])
  const asked = await json<{ words: string }>(['alliance', 'join', invitation.text, '--dir', us])
  const waiting = await json<{ requests: { words: string; member: { slug: string } }[] }>([
    'alliance',
    'requests',
    'trilateral',
    '--dir',
    jp,
  ])
  assert.deepEqual(
    waiting.requests.map(({ words, member }) => [words, member.slug]),
    [[asked.words, 'us-cisa']],
  )

  const wrong = await noroshi([
    'alliance',
    'approve',
    'trilateral',
    '--dir',
    jp,
    '--member',
    'us-cisa',
    '--words',
    'other words entirely',
  ])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /somebody may stand between/)
  const unread = await noroshi(['alliance', 'approve', 'trilateral', '--dir', jp, '--member', 'us-cisa'])
  assert.equal(unread.code, 2)
  assert.match(unread.stderr, /--words/)
  const closed = await noroshi(
    ['alliance', 'approve', 'trilateral', '--dir', jp, '--member', 'us-cisa', '--words', asked.words],
    { env: { NOROSHI_PASSPHRASE: 'wrong' } },
  )
  assert.equal(closed.code, 2)
  assert.match(closed.stderr, /passphrase does not open/)
  const state = await json<{ inForce: boolean; version: number }>([
    'alliance',
    'approve',
    'trilateral',
    '--dir',
    jp,
    '--member',
    'us-cisa',
    '--words',
    asked.words,
  ])
  assert.deepEqual([state.inForce, state.version], [true, 2])
  const root = JSON.parse(await readFile(`${jp}/keys/root.json`, 'utf8')) as { sealed: string }
  assert.ok(!first.log().includes('correct horse') && !first.log().includes(root.sealed))

  await until(
    'the new member stands in the charter',
    async () => (await json<{ member: boolean }>(['alliance', 'requests', 'trilateral', '--dir', us])).member,
  )
  const { members } = await json<{ members: { slug: string }[] }>(['alliance', 'members', 'trilateral', '--dir', us])
  assert.deepEqual(members.map(({ slug }) => slug).sort(), ['jp-nco', 'us-cisa'])

  await json(['link', 'add', 'us-cisa', second.url, '--dir', jp])
  await json(['link', 'add', 'jp-nco', first.url, '--dir', us])
  const { links } = await json<{ links: { slug: string; address: string }[] }>(['link', 'list', '--dir', jp])
  assert.deepEqual(
    links.map(({ slug, address }) => [slug, address]),
    [['us-cisa', second.url]],
  )

  const objects = Array.from({ length: 6_000 }, (_, i) => indicator(`10.${i >> 8}.${i & 255}.1`))
  const publishing = first.ask('/api/v1/publish?tlp=amber&to=alliance:trilateral', {
    method: 'POST',
    body: JSON.stringify(objects),
    headers: { 'content-type': 'application/json' },
  })
  await until('mirroring has begun', async () => (await objectsAt(second)) > 0)
  await second.kill()
  assert.equal((await publishing).status, 200, 'the dead peer holds up nobody')

  second = await serve(us)
  await using node = second
  await json(['link', 'add', 'us-cisa', node.url, '--dir', jp])
  await until('the mirror is complete', async () => (await objectsAt(node)) === objects.length)
  await until(
    'everything is armed',
    async () =>
      ((await (await node.ask('/api/v1/status')).json()) as { armed: { active: number } }).armed.active ===
      objects.length,
  )
  const id = objects.at(-1)?.id ?? ''
  await until('its receipt is back', async () => (await noroshi(['who', id, '--dir', jp])).code === 0)

  await node.stop()
  await first.stop()
  for (const dir of [jp, us]) {
    const report = await json<{ ok: boolean; faults: unknown[] }>(['fsck', '--dir', dir])
    assert.deepEqual(report.faults, [], dir)
  }
})

test('the root key signs nothing but votes of the named alliance', async () => {
  const { withRootSignatures } = await import('../../src/cli/root-signatures.ts')
  const answers = [
    `noroshi/delegation/v1\n{}`,
    `noroshi/vote/v1\n{"alliance":"other","type":"vote"}`,
    `noroshi/vote/v1\n{"type":"vote","alliance":"trilateral"}`,
  ]
  for (const bytes of answers) {
    const client = {
      dir: '/nowhere',
      url: '',
      post: (_path: string, _body: unknown, status?: (code: number) => void) => {
        status?.(202)
        return Promise.resolve({ sign: { bytes: Buffer.from(bytes).toString('base64') }, time: 1 })
      },
    }
    await assert.rejects(
      withRootSignatures(client as never, '/', {}, 'trilateral'),
      { code: 'ALLIANCE_REFUSED' },
      bytes,
    )
  }
})
