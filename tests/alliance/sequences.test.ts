// A pattern over several events at another member: matched over its requests, sighted with the time from first to last.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, connection, holds, indicator, journal, openWorld, publish, telemetry, until } from './world.ts'

const HOUR_MS = 3_600_000

test('a mirrored sequence matches at the other member and is sighted from its first to its last hour', async () => {
  await using world = await openWorld({ alliances: { trilateral: ['jp-nco', 'us-cisa'] } })
  const pattern =
    "([ipv4-addr:value = '198.51.100.20'] FOLLOWEDBY [ipv4-addr:value = '198.51.100.21']) WITHIN 86400 SECONDS"
  const signal = indicator('', { name: 'Beacon, then drop', pattern })
  await publish(world, 'jp-nco', [signal], { tlp: 'amber', to: ['alliance:trilateral'] })
  await until('mirrored', () => holds(world, 'us-cisa', signal.id))
  await until('armed', async () =>
    (await journal<{ id: string; refused?: string }>(world, 'us-cisa', 'armed')).some(
      ({ id, refused }) => id === signal.id && refused === undefined,
    ),
  )
  const last = Date.now() - 1_000
  const first = last - 3 * HOUR_MS
  assert.deepEqual((await telemetry(world, 'us-cisa', [connection('198.51.100.21', last)])).hits, [])
  const { hits } = await telemetry(world, 'us-cisa', [connection('198.51.100.20', first)])
  assert.deepEqual(
    hits.map(({ indicator: id, value }) => [id, value]),
    [[signal.id, pattern]],
    'the late event completes it',
  )
  const hour = (time: number) => new Date(Math.floor(time / HOUR_MS) * HOUR_MS).toISOString()
  let sighting: Record<string, unknown> | undefined
  await until('sighted at the author', async () => {
    const page = (await (await ask(world, 'jp-nco', '/api/v1/objects?type=sighting')).json()) as {
      objects: { object: Record<string, unknown> }[]
    }
    sighting = page.objects.map(({ object }) => object).find((object) => object['sighting_of_ref'] === signal.id)
    return sighting !== undefined
  })
  assert.deepEqual([sighting?.['first_seen'], sighting?.['last_seen']], [hour(first), hour(last)])

  await ask(world, 'jp-nco', '/api/v1/recall', {
    method: 'POST',
    body: JSON.stringify({ id: signal.id, reason: 'error' }),
    headers: { 'content-type': 'application/json' },
  })
  await until('gone at the other', async () => !(await holds(world, 'us-cisa', signal.id)))
  await until('forgotten there', async () => {
    const status = (await (await ask(world, 'us-cisa', '/api/v1/status')).json()) as {
      armed: { evaluated: { kept: number; patterns: number } }
    }
    return status.armed.evaluated.patterns === 0 && status.armed.evaluated.kept === 0
  })
})
