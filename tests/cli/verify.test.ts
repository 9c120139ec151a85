// `noroshi verify` and `noroshi evidence` through the command line: evidence of a real node, receipts, checkpoints, garbage.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { toHex } from '#base'
import { toSigner, signCheckpoint } from '#log'
import { ask, indicator, openWorld, publish, until, type World } from '../alliance/world.ts'
import { noroshi } from './command-line.ts'

const [JP, US, PH] = ['jp-nco', 'us-cisa', 'ph-cert']
const amber = { tlp: 'amber', to: ['alliance:pacific'] }
let world: World
let log: string
const object = indicator('198.51.100.7')

before(async () => {
  world = await openWorld({ alliances: { pacific: [JP, US, PH] } })
  const { published } = await publish(world, JP, [object], amber)
  log = published[0]!.log
  await until('both have it', async () => {
    const heads = await Promise.all([US, PH].map((slug) => world.node(slug).store.log(log as never)))
    return heads.every((head) => head?.size === 2)
  })
})
after(async () => world[Symbol.asyncDispose]())

const path = (name: string) => join(world.path, name)
const lines = async (...args: string[]) => {
  const ran = await noroshi(args)
  return { code: ran.code, text: ran.stdout + ran.stderr, stdout: ran.stdout }
}

test('an author that signs another tree for one member is caught by gossip; the file convicts it anywhere, and says on what it rests', async () => {
  // The node's own key signs a second tree of the same size, as whoever owns the node can make it do.
  const signer = toSigner(
    new Uint8Array(Buffer.from((await readFile(join(world.dir(JP), 'keys/node.seed'), 'utf8')).trim(), 'hex')),
  )
  const { member } = world.node(JP).config
  const head = (await world.node(PH).store.log(log as never))!
  const other = signCheckpoint(
    { log: head.log, size: 2, root: toHex(new Uint8Array(32).fill(3)), time: head.time, charters: [] },
    member,
    signer,
  )
  const peer = world
    .node(US)
    .federation.links()
    .find(({ slug }) => slug === PH)
  assert.ok(peer)
  const { signLinkRequest } = await import('#log')
  const body = Buffer.from(JSON.stringify({ checkpoints: [other] }))
  const target = '/link/v1/gossip'
  const headers = signLinkRequest(
    { method: 'POST', target, body },
    {
      from: world.node(PH).config.member,
      to: world.node(US).config.member,
      created: Math.floor(Date.now() / 1_000),
      nonce: 'ab'.repeat(16),
      signer: world.node(PH).nodeKey,
    },
  )
  const answer = await fetch(world.node(US).url() + target, {
    method: 'POST',
    body,
    headers: { ...headers, 'content-type': 'application/json' },
  })
  assert.equal(answer.status, 200)
  const listed = await lines('evidence', 'list', '--dir', world.dir(US))
  assert.equal(listed.code, 0)
  assert.match(listed.text, /1 +\d{4}-.* jp-nco +fork +proved/)
  const shown = await lines('evidence', 'show', '1', '--dir', world.dir(US))
  assert.match(shown.text, /PROVED: jp-nco signed two different trees of 2 entries/)

  const exported = await lines('evidence', 'export', '1', '--dir', world.dir(US), '--out', path('fork.json'))
  assert.equal(exported.code, 0, exported.text)
  const verified = await lines('verify', path('fork.json'))
  assert.equal(verified.code, 0, verified.text)
  assert.match(verified.text, /PROVED: jp-nco signed two different trees/)
  assert.match(verified.text, /Not shown: Who held the key/)
  const [, founding = ''] = /founded by charter ([0-9a-f]{64})/.exec(verified.text) ?? []
  assert.equal((await lines('verify', path('fork.json'), '--founding', founding)).code, 0)
  const strange = await lines('verify', path('fork.json'), '--founding', 'ab'.repeat(32))
  assert.deepEqual([strange.code, /NOT PROVED/.test(strange.text)], [1, true])

  const evidence = JSON.parse(await readFile(path('fork.json'), 'utf8')) as {
    accused: string
    proof: { heads: { note: string }[] }
  }
  evidence.proof.heads[1]!.note = evidence.proof.heads[1]!.note.replace('\n2\n', '\n3\n')
  await writeFile(path('changed.json'), JSON.stringify(evidence))
  const changed = await lines('verify', path('changed.json'))
  assert.equal(changed.code, 1)
  assert.match(changed.text, /does not hold/)
  const innocent = { ...JSON.parse(await readFile(path('fork.json'), 'utf8')), accused: world.node(PH).config.member }
  await writeFile(path('innocent.json'), JSON.stringify(innocent))
  const asJson = await noroshi(['verify', path('innocent.json'), '--json'])
  assert.equal(asJson.code, 1)
  assert.equal(asJson.json()[0]?.['isProved'], false)
  assert.equal((await lines('evidence', 'show', '99', '--dir', world.dir(US))).code, 2)
})

test('receipts and checkpoints are examined by the charters of an alliance', async () => {
  await until('a receipt', async () => (await world.node(JP).federation.receipts()).length >= 2)
  const receipts = (await (await ask(world, JP, '/api/v1/receipts')).json()) as {
    receipts: { envelope: { statement: { size: number } } }[]
  }
  await writeFile(path('receipts.json'), JSON.stringify(receipts))
  const charters = await lines('evidence', 'charters', '--dir', world.dir(JP))
  await writeFile(path('charters.json'), charters.stdout)
  const good = await lines('verify', path('receipts.json'), '--charters', path('charters.json'))
  assert.equal(good.code, 0, good.text)
  assert.match(good.text, /received +\d+ +signature holds/)
  const alone = await lines('verify', path('receipts.json'))
  assert.equal(alone.code, 1)
  assert.match(alone.text, /whose key it is, is unknown/)
  receipts.receipts[0]!.envelope.statement.size += 1
  await writeFile(path('receipts-changed.json'), JSON.stringify(receipts))
  const bad = await lines('verify', path('receipts-changed.json'), '--charters', path('charters.json'))
  assert.equal(bad.code, 1)
  assert.match(bad.text, /SIGNATURE FAILS/)
  await writeFile(path('note.txt'), (await world.node(US).store.log(log as never))!.checkpoint)
  const note = await lines('verify', path('note.txt'), '--charters', path('charters.json'))
  assert.equal(note.code, 0, note.text)
  assert.match(note.text, /checkpoint +1 +signature holds/)
  assert.equal((await lines('verify', path('charters.json'))).code, 0)
})

test('what is no signed thing is told apart from what does not hold', async () => {
  await writeFile(path('garbage'), 'not even JSON')
  assert.equal((await lines('verify', path('garbage'))).code, 2)
  await writeFile(path('empty.json'), '{"a":[1,2,{"b":"c"}]}')
  const empty = await lines('verify', path('empty.json'))
  assert.deepEqual([empty.code, /holds nothing that is signed/.test(empty.text)], [2, true])
  assert.equal((await lines('verify', path('nowhere.json'))).code, 2)
  await writeFile(path('hollow.json'), '{"format":"noroshi/evidence/v1","proof":{}}')
  assert.equal((await lines('verify', path('hollow.json'))).code, 1)
})

test('who: entitled members, who proved receipt, and who is late', async () => {
  const done = await lines('who', object.id, '--dir', world.dir(JP))
  assert.equal(done.code, 0)
  assert.match(done.text, /2 members may have it/)
  assert.doesNotMatch(done.text, /no receipt/)
  await world.stop(PH)
  const next = indicator('198.51.100.8')
  await publish(world, JP, [next], amber)
  await until('one receipt', async () => (await lines('who', next.id, '--dir', world.dir(JP))).code === 0)
  const waiting = await lines('who', next.id, '--dir', world.dir(JP), '--late', '3600')
  assert.match(waiting.text, /us-cisa +holds it/)
  assert.match(waiting.text, /ph-cert +no receipt for \d+ s +1 entry behind; link \w+, last seen \d{4}/)
  await until('it is late', async () =>
    /LATE: no receipt/.test((await lines('who', next.id, '--dir', world.dir(JP), '--late', '1')).text),
  )
  const json = await noroshi(['who', next.id, '--dir', world.dir(JP), '--late', '1', '--json'])
  const [standing] = (json.json()[0] as { standing: unknown }).standing as {
    missing: { slug: string; late: boolean }[]
    entitled: unknown[]
  }[]
  assert.deepEqual(
    standing?.missing.map(({ slug, late }) => [slug, late]),
    [[PH, true]],
  )
  assert.equal(standing?.entitled.length, 2)
})
