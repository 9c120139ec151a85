// Clocks that are minutes off: the reason is named on both sides, with whose clock it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openNodes } from '../../src/federation/testing/pair.ts'
import { type RealNode, until } from '../../src/federation/testing/real-node.ts'

const MINUTE_MS = 60_000
const SLUGS = ['jp-nco', 'us-cisa', 'gb-ncsc'] as const
const limits = { backoffFirstMs: 50, backoffMaxMs: 200 }

for (const [offset, seenByOthers, seenByItself] of [
  [4 * MINUTE_MS, '4 min ahead of ours', '4 min behind ours'],
  [-4 * MINUTE_MS, '4 min behind ours', '4 min ahead of ours'],
  [15 * MINUTE_MS, '15 min ahead of ours', '15 min behind ours'],
] as const) {
  test(`a clock that is off by ${offset / MINUTE_MS} min is named by everybody, and whose it is`, async () => {
    await using opened = await openNodes(SLUGS, {
      'jp-nco': { limits },
      'us-cisa': { limits },
      'gb-ncsc': { limits, now: () => Date.now() + offset },
    })
    const [jp, us, gb] = opened.nodes as [RealNode, RealNode, RealNode]
    for (const node of opened.nodes) node.federation.start()
    const linkTo = (node: RealNode, peer: RealNode) =>
      node.federation.links().find((link) => link.peer === peer.member.self.member)
    await until('the others agree', () => linkTo(jp, us)?.state === 'up' && linkTo(us, jp)?.state === 'up', 20_000)
    await until(
      'the reason at the others',
      () =>
        linkTo(jp, gb)?.lastError?.includes(
          `${seenByOthers}, and nodes refuse what is 60 s off; most peers agree with us`,
        ) === true,
      20_000,
    )
    await until(
      'the reason at itself',
      () => {
        const text = linkTo(gb, jp)?.lastError ?? ''
        return text.includes(seenByItself) && text.includes('most peers agree with it: set this machine')
      },
      20_000,
    )
    const link = linkTo(jp, gb)!
    assert.equal(link.state, 'down')
    assert.ok(Math.abs(link.clockOffsetMs! - offset) <= link.clockBoundMs! + 1_000, `${link.clockOffsetMs}`)
    const clocks = jp.alarms.filter(({ kind }) => kind === 'clock')
    assert.ok(clocks.length > 0 && clocks.length < 4, `${clocks.length} alarms`)
    assert.ok(clocks.every(({ peer, message }) => peer === gb.member.self.member && /gb-ncsc: its clock/.test(message)))
    assert.deepEqual(
      jp.alarms.filter(({ kind }) => kind !== 'clock'),
      [],
      'no bad signature, no other cause',
    )
    assert.ok(gb.alarms.some(({ message }) => message.includes(seenByItself)))
  })
}
