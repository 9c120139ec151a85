import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '#base'
import type { LinkRequest } from '../api.ts'
import { openNodes } from '../testing/pair.ts'
import type { RealNode } from '../testing/real-node.ts'

test('refused requests take one line for each peer and code in ten seconds, with their number; strangers share theirs', async () => {
  const lines: Record<string, Json>[] = []
  const due = new Set<{ delay: number; run: () => void }>()
  const pass = (ms: number) => {
    const over = [...due].filter(({ delay }) => delay === ms)
    for (const timer of over) due.delete(timer)
    for (const timer of over) timer.run()
  }
  const timers = {
    set: (delay: number, run: () => void) => {
      const timer = { delay, run }
      due.add(timer)
      return timer
    },
    clear: (timer: unknown) => void due.delete(timer as never),
  }
  const log = (_level: string, message: string, fields: Record<string, Json> = {}) => {
    if (message === 'Link requests were refused') lines.push(fields)
  }
  await using pair = await openNodes(['jp-nco', 'us-cisa'], { 'jp-nco': { log, timers } })
  const [jp, us] = pair.nodes as [RealNode, RealNode]
  const peer = us.member.self.member
  const ask = (from: string): LinkRequest => ({
    method: 'GET',
    target: '/link/v1/logs',
    headers: { 'noroshi-from': from },
    body: new Uint8Array(),
  })
  for (let i = 0; i < 500; i++) {
    await jp.federation.handle(ask(`identity--${i}`))
    await jp.federation.handle(ask(peer))
  }
  assert.deepEqual(lines, [
    { code: 'LINK_FORM', count: 1, peer: 'a stranger' },
    { code: 'LINK_FORM', count: 1, peer },
  ])
  pass(10_000)
  assert.deepEqual(lines.slice(2), [
    { code: 'LINK_FORM', count: 499, peer: 'a stranger' },
    { code: 'LINK_FORM', count: 499, peer },
  ])
  pass(10_000)
  assert.equal(lines.length, 4, 'nothing more, nothing said')
})
