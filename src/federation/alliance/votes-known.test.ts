// A member that was restored has forgotten a vote: it gives no second one before everybody told it what waits there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCharter, makeMember } from '../simulation/members.ts'
import { openRealNode, reserve, until } from '../testing/real-node.ts'
import { noteRestore } from '../restored-since.ts'

/** Longer than anything from before a restore may be on its way. */
const LONG_AGO_MS = 130_000
const moved = (member: string) => ({ change: 'row', member, set: { nation: 'PH' } }) as const

/** `us` voted for one version 2, and comes back without its data; `ph` proposes another one. */
async function restored(at: number) {
  const closing = new AsyncDisposableStack()
  const places = [await reserve(), await reserve(), await reserve()]
  const [one, two, three] = ['jp-nco', 'us-cisa', 'ph-cert'].map((slug, i) =>
    makeMember(slug, Date.now(), { address: places[i]!.address }),
  ) as [ReturnType<typeof makeMember>, ReturnType<typeof makeMember>, ReturnType<typeof makeMember>]
  const charter = makeCharter('pacific', [one, two, three], Date.now(), { quorum: 3 })
  const open = async (member: typeof one, place: (typeof places)[number]) => {
    const node = closing.use(await openRealNode(member, place))
    await node.federation.alliances.bootstrapCharter(charter)
    return node
  }
  const before = await openRealNode(two, places[1]!)
  await before.federation.alliances.bootstrapCharter(charter)
  const [jp, ph] = [await open(one, places[0]!), await open(three, places[2]!)]
  for (const node of [before, jp]) node.federation.start()
  await jp.federation.alliances.amend('pacific', moved('ph-cert'), jp.member.root)
  await until('the proposal', async () => (await before.federation.alliances.proposals()).length === 1)
  await before.federation.alliances.approve('pacific', two.root)
  await until('the vote', async () => (await jp.federation.alliances.proposals())[0]?.votes.length === 2)
  await before.federation[Symbol.asyncDispose]()
  await before.store[Symbol.asyncDispose]()

  const us = await openRealNode(two, places[1]!)
  closing.use(us)
  await us.federation.alliances.bootstrapCharter(charter)
  await noteRestore(us.store, at)
  const silent = { status: 503, headers: {}, body: new Uint8Array() }
  jp.intercept(async () => silent)
  for (const node of [us, ph]) node.federation.start()
  return { jp, ph, us, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
}

test('a restored member votes once everybody has told what waits there, and then not twice', async () => {
  await using world = await restored(Date.now() - LONG_AGO_MS)
  const { jp, us } = world
  const { alliances } = us.federation
  const rival = () => alliances.amend('pacific', moved('jp-nco'), us.member.root, true)
  await until('links', () => us.federation.links().length === 2)
  await assert.rejects(rival(), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'RESTORE_VOTES')
    assert.match(error.message, /pacific.*jp-nco.*--after-restore/s)
    return true
  })
  jp.intercept(undefined)
  await until(
    'an answer of ph-cert and jp-nco',
    () =>
      rival().then(
        () => assert.fail('it voted twice'),
        (error: { code: string }) => error.code === 'ALLIANCE_VOTED',
      ),
    20_000,
  )
})

test('what a person confirms is voted for, and what may still be on its way is waited for', async () => {
  await using world = await restored(Date.now())
  const { us, jp } = world
  jp.intercept(undefined)
  const { alliances } = us.federation
  await until('a reminder', async () => (await alliances.proposals()).length === 1, 20_000)
  await assert.rejects(alliances.approve('pacific', us.member.root), {
    code: 'RESTORE_VOTES',
    message: /try again in 1[12]\d s/,
  })
  const { version } = await alliances.approve('pacific', { ...us.member.root, afterRestore: true })
  assert.equal(version, 2)
})
