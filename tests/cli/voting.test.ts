// Voting with open eyes, and the trace of a recall, by real nodes.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folder, indicator, init, noroshi, type Ran, serve } from './command-line.ts'

const LIMIT_MS = 30_000

async function eventually(what: string, args: readonly string[], holds: (ran: Ran) => boolean): Promise<Ran> {
  const deadline = Date.now() + LIMIT_MS
  for (;;) {
    const ran = await noroshi(args)
    if (holds(ran)) return ran
    assert.ok(Date.now() < deadline, `${what}: ${ran.stdout}${ran.stderr}`)
    await sleep(200)
  }
}

test('a vote is for a version whose changes were shown; who shows a recall and its acknowledgement', async () => {
  await using home = await folder()
  const [jp, us, ph] = [home.in('jp'), home.in('us'), home.in('ph')]
  await init(jp)
  await init(us, 'us-cisa')
  await init(ph, 'ph-ncert')
  await using one = await serve(jp)
  await using two = await serve(us)
  await using three = await serve(ph)
  assert.ok(one.url !== two.url && two.url !== three.url)
  await noroshi(['alliance', 'create', 'trilateral', '--dir', jp])
  const invitations: string[] = []
  const isRefused = async (invitation: string, dir: string) => {
    const { code, stderr } = await noroshi(['alliance', 'join', invitation, '--dir', dir])
    assert.equal(code, 2)
    assert.match(stderr, /Ask the inviter for a new invitation \(noroshi alliance invite ALLIANCE\)/)
  }
  const join = async (dir: string, slug: string) => {
    const invitation = (await noroshi(['alliance', 'invite', 'trilateral', '--dir', jp])).stdout.trim()
    invitations.push(invitation)
    const asked = (await noroshi(['alliance', 'join', invitation, '--dir', dir, '--json'])).json()[0] as {
      words: string
    }
    await isRefused('garbage', dir)
    return noroshi(['alliance', 'approve', 'trilateral', '--dir', jp, '--member', slug, '--words', asked.words])
  }
  const admitted = await join(us, 'us-cisa')
  assert.equal(admitted.code, 0, admitted.stderr)
  await isRefused(invitations[0] ?? '', ph)
  await eventually('us is in', ['alliance', 'requests', 'trilateral', '--dir', us, '--json'], (ran) => {
    return ran.code === 0 && ran.json()[0]?.['member'] === true
  })
  await noroshi(['link', 'add', 'us-cisa', two.url, '--dir', jp])
  await eventually('the link is up', ['status', '--dir', jp, '--json'], (ran) => ran.stdout.includes('"state":"up"'))
  await join(ph, 'ph-ncert')

  const requests = ['alliance', 'requests', 'trilateral', '--dir', us]
  const waiting = await eventually('the proposal arrives', requests, (ran) => /Version 3/.test(ran.stdout))
  assert.match(waiting.stdout, /joins: ph-ncert, "Member ph-ncert", nation JP, kind national-csirt/)
  assert.match(waiting.stdout, /root key [0-9a-f]{64}/)
  assert.match(waiting.stdout, /--version 3/)
  const blind = await noroshi(['alliance', 'approve', 'trilateral', '--dir', us])
  assert.equal(blind.code, 2)
  assert.match(blind.stderr, /joins: ph-ncert[\s\S]*Nothing was signed.*--version 3/)
  const other = await noroshi(['alliance', 'approve', 'trilateral', '--dir', us, '--version', '4'])
  assert.equal(other.code, 2)
  assert.match(other.stderr, /Version 4 .* does not wait.*version 3 does/)
  const vote = await noroshi(['alliance', 'approve', 'trilateral', '--dir', us, '--version', '3'])
  assert.equal(vote.code, 0, vote.stderr)
  assert.match(vote.stdout, /Version 3 of trilateral is in force/)

  const change = ['alliance', 'change', 'trilateral', '--dir', us]
  const both = await noroshi([...change, '--member', 'ph-ncert', '--max-tlp', 'amber', '--observers', 'green'])
  assert.equal(both.code, 2)
  assert.match(both.stderr, /one thing at a time/)
  const capped = await noroshi([...change, '--member', 'ph-ncert', '--max-tlp', 'amber'])
  assert.equal(capped.code, 0, capped.stderr)
  assert.match(capped.stdout, /Proposed version 4 of trilateral: 1 of 2 votes/)
  const read = await eventually('it arrives', ['alliance', 'requests', 'trilateral', '--dir', jp], (ran) =>
    /Version 4/.test(ran.stdout),
  )
  assert.match(read.stdout, /ph-ncert.*: maxTlp nothing becomes "amber"/)
  const second = await noroshi(['alliance', 'leave', 'trilateral', '--dir', jp])
  assert.equal(second.code, 2)
  assert.match(second.stderr, /waits already/)
  const agreed = await noroshi(['alliance', 'approve', 'trilateral', '--dir', jp, '--version', '4'])
  assert.match(agreed.stdout, /Version 4 of trilateral is in force/)
  await noroshi(['alliance', 'suspend', 'trilateral', '--member', 'ph-ncert', '--dir', us])
  await eventually('it arrives', ['alliance', 'requests', 'trilateral', '--dir', jp], (ran) =>
    /Version 5/.test(ran.stdout),
  )
  const gone = await noroshi(['alliance', 'approve', 'trilateral', '--dir', jp, '--version', '5'])
  assert.match(gone.stdout, /Version 5 of trilateral is in force/)
  const members = await noroshi(['alliance', 'members', 'trilateral', '--dir', jp, '--json'])
  const rows = members.json()[0]?.['members'] as { slug: string; standing: string }[]
  assert.equal(rows.find(({ slug }) => slug === 'ph-ncert')?.standing, 'suspended')

  const object = indicator('198.51.100.77')
  await writeFile(home.in('one.json'), JSON.stringify(object))
  const published = await noroshi(['publish', home.in('one.json'), '--dir', jp, '--tlp', 'amber'])
  assert.match(published.stdout, /us-cisa/)
  assert.doesNotMatch(published.stdout, /ph-ncert +yes/)
  const who = ['who', object.id, '--dir', jp]
  await eventually('us proves receipt', who, (ran) => ran.code === 0 && /us-cisa +holds it/.test(ran.stdout))
  await noroshi(['recall', object.id, '--dir', jp, '--reason', 'personal-data'])
  const told = await eventually('us acknowledges', who, (ran) => /us-cisa +acknowledged/.test(ran.stdout))
  assert.equal(told.code, 0)
  assert.match(told.stdout, /Recalled .*reason: personal-data/)
  assert.match(told.stdout, /us-cisa +acknowledged.*withheld 2/)
  const none = await noroshi(['who', `indicator--${'0'.repeat(8)}-0000-4000-8000-${'f'.repeat(12)}`, '--dir', jp])
  assert.equal(none.code, 1)
})
