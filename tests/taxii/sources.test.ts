// Sources of a real node: what it takes from a server on its own, what waits, what is lost, and what nobody sees.
import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { folder, indicator, noroshi, type Ran, serve, uuid } from '../cli/command-line.ts'
import { openFeed } from './feed-server.ts'
import { openTaxiiWorld, type TaxiiWorld } from './taxii-world.ts'

const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const WHITE_1 = 'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9'
const RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'
const OPENCTI_STRICT = 'marking-definition--826578e1-40ad-459f-bc73-ede076f81f37'
const marked = (address: string, ...refs: string[]) => indicator(address, { object_marking_refs: refs })
const some = (count: number, net: number, ...refs: string[]) =>
  Array.from({ length: count }, (_, i) =>
    marked(`10.${net}.${i >> 8}.${i & 255}`, ...(refs.length > 0 ? refs : [GREEN])),
  )
const statement = (text: string, more: object = {}) => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: `marking-definition--${uuid()}`,
  created: '2026-01-01T00:00:00.000Z',
  definition_type: 'statement',
  definition: { statement: text },
  ...more,
})

interface Report {
  waiting: number
  state: {
    total: { taken: number; quarantined: number; lost: number }
    losses: Record<string, { count: number; examples: { id: string }[] }>
    lastError?: string
    nextRun: number
    failures: number
    run?: { number: number; result: string; error?: string; taken: number }
  }
}

const source = (dir: string, args: string[], env: Record<string, string> = {}): Promise<Ran> =>
  noroshi(['taxii', 'source', ...args, '--dir', dir, '--json'], { env })
const report = async (dir: string, name: string): Promise<Report> => {
  const { url } = JSON.parse(await readFile(join(dir, 'running.json'), 'utf8')) as { url: string }
  const token = (await readFile(join(dir, 'operator.token'), 'utf8')).trim()
  const answer = await fetch(`${url}/api/v1/taxii/sources/${name}`, { headers: { authorization: `Bearer ${token}` } })
  return (await answer.json()) as Report
}
const add = (world: { dir: string }, url: string, ...more: string[]) =>
  source(world.dir, ['add', 'feedco', `${url}/taxii2/`, '--every', '1h', '--allow-private', ...more])
/** Adds it and waits for the end of its first run. */
async function taken(world: { dir: string }, url: string, ...more: string[]): Promise<Report> {
  const added = await add(world, url, ...more)
  assert.equal(added.code, 0, added.stderr)
  return settled(world.dir)
}
async function settled(dir: string, runs = 1): Promise<Report> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(200)) {
    const found = await report(dir, 'feedco')
    if ((found.state.run?.number ?? 0) >= runs && found.state.run?.result !== 'running') return found
  }
  throw new Error('the source did not end its run')
}
const levels = async ({ operator }: TaxiiWorld, level: string): Promise<string[]> => {
  const answer = (await (await operator.ask(`/_node/collections/tlp-${level.replace('+', '-')}/objects/`)).json()) as {
    objects?: { id: string }[]
  }
  return (answer.objects ?? []).map(({ id }) => id).filter((id) => !id.startsWith('marking-definition'))
}
const waiting = async (world: TaxiiWorld) =>
  (await world.run('taxii', 'quarantine', 'list'))['quarantined'] as {
    key: string
    id: string
    code: string
    message: string
  }[]

describe('markings of a source', () => {
  test('TLP of both versions counts, statements are kept, rules and oddities name levels, and nothing is widened', async () => {
    await using world = await openTaxiiWorld()
    const [members, pap, custom] = [
      statement('Members only'),
      { ...statement('x'), definition_type: 'pap', definition: { pap: 'PAP:RED' } },
      statement('custom', {
        id: OPENCTI_STRICT,
        x_opencti_definition_type: 'TLP',
        x_opencti_definition: 'TLP:AMBER+STRICT',
      }),
    ]
    const vague = statement('Please treat as TLP AMBER')
    const objects = {
      white: marked('1.0.0.1', WHITE_1),
      red: marked('1.0.0.2', RED, members.id),
      members: marked('1.0.0.3', members.id),
      pap: marked('1.0.0.4', pap.id),
      both: marked('1.0.0.5', GREEN, pap.id),
      strict: marked('1.0.0.6', OPENCTI_STRICT),
      unmarked: indicator('1.0.0.7'),
      vague: marked('1.0.0.8', vague.id),
      absent: marked('1.0.0.9', `marking-definition--${uuid()}`),
    }
    await using feed = await openFeed([...Object.values(objects), members, pap, custom, vague], 100)
    const found = await taken(
      world,
      feed.url,
      '--tlp',
      'green',
      '--marking',
      'statement:Members only=amber',
      '--marking',
      `pap:PAP:RED=amber+strict`,
    )
    assert.deepEqual([found.state.total.taken, found.waiting], [11, 2])
    assert.deepEqual(await levels(world, 'clear'), [objects.white.id])
    assert.deepEqual(await levels(world, 'green'), [objects.unmarked.id])
    assert.deepEqual(await levels(world, 'amber'), [objects.members.id])
    assert.deepEqual(
      (await levels(world, 'amber+strict')).toSorted(),
      [objects.pap.id, objects.both.id, objects.strict.id].toSorted(),
    )
    assert.deepEqual(await levels(world, 'red'), [objects.red.id])
    const [kept] = (
      (await (await world.operator.ask(`/_node/collections/tlp-amber/objects/${objects.members.id}/`)).json()) as {
        objects: { object_marking_refs: string[] }[]
      }
    ).objects
    assert.ok(kept?.object_marking_refs.includes(members.id), 'the statement stays')
    assert.deepEqual(
      new Map((await waiting(world)).map(({ id, code }) => [id, code])),
      new Map([
        [objects.vague.id, 'UNKNOWN_MARKING'],
        [objects.absent.id, 'UNKNOWN_MARKING'],
      ]),
    )
  })

  test('what is unmarked waits; a rule or the operator ends it; a definition that comes later is used', async () => {
    await using world = await openTaxiiWorld()
    const late = statement('Late', { definition_type: 'statement' })
    const [plain, later, ruled] = [
      indicator('2.0.0.1'),
      marked('2.0.0.2', GREEN, late.id),
      marked('2.0.0.3', `marking-definition--${uuid()}`),
    ]
    const rows: object[] = [plain, later, ruled]
    await using feed = await openFeed(rows)
    assert.deepEqual([(await taken(world, feed.url)).state.total.taken, (await waiting(world)).length], [0, 3])
    rows.push(late)
    const ran = await source(world.dir, ['run', 'feedco'])
    assert.equal(ran.code, 0, ran.stderr + ran.stdout)
    assert.deepEqual(await levels(world, 'green'), [later.id])
    const [ref] = ruled['object_marking_refs'] as string[]
    assert.equal((await source(world.dir, ['change', 'feedco', '--marking', `${ref}=amber`])).code, 0)
    await source(world.dir, ['run', 'feedco'])
    assert.deepEqual(await levels(world, 'amber'), [ruled.id])
    const [one, ...others] = await waiting(world)
    assert.deepEqual([one?.id, one?.code, others.length], [plain.id, 'UNMARKED', 0])
    await world.run('taxii', 'quarantine', 'end', one?.key ?? '', '--tlp', 'red')
    assert.deepEqual([await levels(world, 'red'), (await waiting(world)).length], [[plain.id], 0])
    assert.match(
      (await source(world.dir, ['change', 'feedco', '--marking', `${RED}=green`])).stderr,
      /means what it says/,
    )
  })
})

test('creators stay third parties or become a given identity; who claims to be the member itself waits', async () => {
  await using world = await openTaxiiWorld()
  const { member } = JSON.parse(await readFile(join(world.dir, 'noroshi.json'), 'utf8')) as { member: string }
  const [feedco, mapped, ours] = [`identity--${uuid()}`, `identity--${uuid()}`, `identity--${uuid()}`]
  const by = (address: string, created_by_ref: string) =>
    indicator(address, { created_by_ref, object_marking_refs: [GREEN] })
  const [third, renamed, forged] = [by('3.0.0.1', feedco), by('3.0.0.2', mapped), by('3.0.0.3', member)]
  const impostor = {
    type: 'identity',
    spec_version: '2.1',
    id: member,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2027-01-01T00:00:00.000Z',
    name: 'Not me',
    object_marking_refs: [GREEN],
  }
  await using feed = await openFeed([third, renamed, forged, impostor])
  await taken(world, feed.url, '--author', `${mapped}=${ours}`)
  const read = async ({ id }: { id: string }) =>
    (
      (await (await world.operator.ask(`/_node/collections/everything/objects/${id}/`)).json()) as {
        objects: { created_by_ref: string }[]
      }
    ).objects[0]?.created_by_ref
  assert.deepEqual([await read(third), await read(renamed)], [feedco, ours])
  assert.deepEqual(
    new Map((await waiting(world)).map(({ id, code }) => [id, code])),
    new Map([
      [forged.id, 'NOT_OWNER'],
      [member, 'NOT_OWNER'],
    ]),
  )
  const key = (await waiting(world)).find(({ id }) => id === forged.id)?.key ?? ''
  const ended = await noroshi(['taxii', 'quarantine', 'end', key, '--tlp', 'green', '--dir', world.dir])
  assert.match(ended.stderr, /NOT_OWNER/)
  await world.run('taxii', 'quarantine', 'end', key, '--drop')
  assert.equal((await waiting(world)).length, 1)
})

test('the report says what was lost and why, over all runs; broken objects cost no others', async () => {
  await using world = await openTaxiiWorld()
  const good = some(3, 4)
  const rows: object[] = [good[0] as object, { ...indicator('4.1.1.1'), pattern: 7 }, { no: 'id' }, good[1] as object]
  await using feed = await openFeed(rows)
  const first = await taken(world, feed.url, '--tlp', 'green')
  assert.deepEqual([first.state.total.taken, first.state.total.lost], [2, 2])
  rows.push({ ...indicator('4.1.1.2'), pattern: 7, object_marking_refs: [GREEN] }, good[2] as object)
  const ran = await source(world.dir, ['run', 'feedco'])
  assert.equal(ran.code, 1)
  const again = await report(world.dir, 'feedco')
  assert.deepEqual([again.state.total.taken, again.state.total.lost, again.state.run?.taken], [3, 3, 1])
  const codes = Object.values(again.state.losses).reduce((sum, { count }) => sum + count, 0)
  assert.equal(codes, 3)
  assert.ok(again.state.losses['NOT_STIX'])
  const words = await noroshi(['taxii', 'source', 'report', 'feedco', '--dir', world.dir])
  assert.match(words.stdout, /3 were lost[\s\S]*NOT_STIX: 1/)
})

describe('accounts and addresses', () => {
  test('the password is in a file for the owner alone, is sent to the source alone, and shown nowhere', async () => {
    await using home = await folder()
    await using world = await openTaxiiWorld()
    const secret = 'a-very-secret-password'
    await using feed = await openFeed(some(2, 5))
    await using other = await openFeed(some(2, 6))
    feed.before = (request, response) => {
      if (!request.url?.startsWith('/root/collections/c/objects')) return false
      response.writeHead(302, { location: `${other.url}${request.url}` }).end()
      return true
    }
    await writeFile(home.in('password'), `${secret}\n`)
    const found = await taken(world, feed.url, '--user', 'soc', '--password-file', home.in('password'))
    assert.equal(found.state.total.taken, 2)
    const basic = `Basic ${Buffer.from(`soc:${secret}`).toString('base64')}`
    assert.ok(feed.asked.every(({ authorization }) => authorization === basic))
    assert.deepEqual(
      other.asked.map(({ authorization }) => authorization),
      [undefined],
    )
    const file = join(world.dir, 'keys', 'taxii-sources', 'feedco.json')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const told = [world.node.log()]
    for (const args of [['list'], ['report', 'feedco']]) told.push((await source(world.dir, args)).stdout)
    told.push(
      await (await world.node.ask('/api/v1/taxii/sources/feedco')).text(),
      await (await world.node.ask('/metrics')).text(),
    )
    assert.ok(told.every((text) => !text.includes(secret) && !text.includes(basic.slice(6))))
    for (const name of (await readdir(world.dir)).filter((one) => one.includes('.db') || one.includes('sqlite')))
      assert.ok(!(await readFile(join(world.dir, name))).includes(secret), name)
    assert.equal((await source(world.dir, ['remove', 'feedco'])).code, 0)
    await assert.rejects(stat(file))
    assert.match(
      (await source(world.dir, ['add', 'x', 'https://taxii.example.org/', '--user', 'soc'])).stderr,
      /NOROSHI_TAXII_PASSWORD/,
    )
  })

  test('private addresses are asked only where the operator says so, also behind a redirect; http never beyond this machine', async () => {
    await using world = await openTaxiiWorld()
    await using feed = await openFeed(some(1, 7))
    assert.equal((await source(world.dir, ['add', 'feedco', `${feed.url}/taxii2/`, '--every', '1h'])).code, 0)
    assert.match((await settled(world.dir)).state.lastError ?? '', /not a public address/)
    const status = await noroshi(['status', '--dir', world.dir])
    assert.match(
      status.stdout,
      /TAXII sources:\n {2}feedco +1 failed runs +no success yet +last error \S+Z .*not a public address/,
    )
    assert.equal(feed.asked.length, 0)
    await source(world.dir, ['change', 'feedco', '--allow-private'])
    feed.before = (_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
      return true
    }
    assert.match((await settled(world.dir, 2)).state.lastError ?? '', /give an https address/)
    for (const address of ['http://taxii.example.org/', 'https://soc:secret@taxii.example.org/'])
      assert.equal((await source(world.dir, ['add', 'other', address])).code, 2)
  })
})

test('a source runs on its own, backs off while it fails, pauses, and goes on after a restart', async () => {
  await using home = await folder()
  const dir = home.in('node')
  assert.equal(
    (
      await noroshi([
        'init',
        '--dir',
        dir,
        '--slug',
        'jp-nco',
        '--name',
        'NCO',
        '--nation',
        'JP',
        '--kind',
        'national-csirt',
        '--port',
        '0',
      ])
    ).code,
    0,
  )
  const rows: object[] = some(15, 8)
  await using feed = await openFeed(rows)
  let node = await serve(dir)
  try {
    assert.equal(
      (await source(dir, ['add', 'feedco', `${feed.url}/taxii2/`, '--every', '5s', '--allow-private'])).code,
      0,
    )
    assert.equal((await settled(dir)).state.total.taken, 15)
    rows.push(...some(5, 9))
    assert.equal((await settled(dir, 2)).state.total.taken, 20)
    feed.before = (_request, response) => {
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end('{"title":"Go away","description":"not today"}')
      return true
    }
    const failed = await settled(dir, 3)
    assert.match(failed.state.lastError ?? '', /403 \(Go away: not today\)/)
    const wait = failed.state.nextRun - Date.now()
    assert.ok(failed.state.failures === 1 && wait > 5_000 && wait <= 30_000, `${wait}`)
    assert.match((await noroshi(['taxii', 'source', 'list', '--dir', dir])).stdout, /failing.*403/)
    feed.before = () => false
    rows.push(...some(1, 10))
    await source(dir, ['pause', 'feedco'])
    await node.stop()
    node = await serve(dir)
    assert.equal((await report(dir, 'feedco')).state.total.taken, 20)
    feed.asked.length = 0
    await source(dir, ['resume', 'feedco'])
    assert.equal((await settled(dir, 4)).state.total.taken, 21)
    assert.ok(!feed.asked.some(({ path }) => path.endsWith('/objects/')), 'it goes on where it stood')
  } finally {
    await node.stop()
  }
})
