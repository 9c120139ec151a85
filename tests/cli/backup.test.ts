// Backup and restore through real processes: while the node serves, into one file, and back.
import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { folder, indicator, init, noroshi, serve } from './command-line.ts'

interface Manifest {
  keys: boolean
  files: { name: string; size: number; sha256: string }[]
}

test('a serving node is copied into one file that its owner alone reads, and the copy serves what was published', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  const file = home.in('objects.json')
  const object = indicator('198.51.100.1')
  await writeFile(file, JSON.stringify(object))
  const out = home.in('node.backup')
  {
    await using _node = await serve(dir)
    assert.equal((await noroshi(['publish', file, '--dir', dir, '--tlp', 'amber'])).code, 0)
    const ran = await noroshi(['backup', '--dir', dir, '--out', out, '--with-keys'])
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /read back and verified/)
    assert.match(ran.stdout, /It holds the keys/)
    const again = await noroshi(['backup', '--dir', dir, '--out', out])
    assert.equal(again.code, 2)
    assert.match(again.stderr, /BACKUP_EXISTS|is there already/)
  }
  assert.equal((await stat(out)).mode & 0o777, 0o600)

  const restored = home.in('restored')
  const ran = await noroshi(['restore', out, '--dir', restored])
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /old node never runs again/)
  for (const name of ['keys/node.seed', 'keys/root.json', 'operator.token', 'noroshi.db', 'noroshi.json'])
    assert.equal((await stat(`${restored}/${name}`)).mode & 0o077, 0, name)
  assert.equal((await noroshi(['fsck', '--dir', restored])).code, 0)
  {
    await using _node = await serve(restored)
    const { stdout } = await noroshi(['objects', object.id, '--dir', restored, '--json'])
    assert.match(stdout, new RegExp(object.id))
    assert.equal((await noroshi(['publish', file, '--dir', restored, '--tlp', 'green'])).code, 0)
  }
  assert.equal((await noroshi(['fsck', '--dir', restored])).code, 0)
  const full = await noroshi(['restore', out, '--dir', restored])
  assert.equal(full.code, 2)
  assert.match(full.stderr, /is not empty/)
})

test('without --with-keys no secret is in the file; it is restored with the keys that were kept apart', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await (await serve(dir))[Symbol.asyncDispose]()
  const out = home.in('node.backup')
  const ran = await noroshi(['backup', '--dir', dir, '--out', out, '--json'])
  assert.equal(ran.code, 0, ran.stderr)
  const [manifest] = ran.json() as unknown as [Manifest]
  assert.equal(manifest.keys, false)
  assert.deepEqual(
    manifest.files.map(({ name }) => name),
    ['noroshi.db', 'keys/delegations.json', 'noroshi.json'],
  )
  const bytes = await readFile(out)
  for (const name of ['keys/node.seed', 'keys/secret', 'operator.token']) {
    const secret = (await readFile(`${dir}/${name}`, 'utf8')).trim()
    assert.equal(bytes.includes(secret), false, name)
    assert.equal(
      bytes.includes(Buffer.from(secret, 'hex').length > 8 ? Buffer.from(secret, 'hex') : secret),
      false,
      name,
    )
  }
  const without = await noroshi(['restore', out, '--dir', home.in('none')])
  assert.equal(without.code, 2)
  assert.match(without.stderr, /--keys/)
  const keys = home.in('safe')
  await mkdir(keys)
  for (const name of ['root.json', 'seal.json', 'node.seed', 'secret'])
    await copyFile(`${dir}/keys/${name}`, `${keys}/${name}`)
  const restored = home.in('restored')
  const done = await noroshi(['restore', out, '--dir', restored, '--keys', keys])
  assert.equal(done.code, 0, done.stderr)
  await using node = await serve(restored)
  assert.ok(node)
})

test('a backup that was cut off, changed or made by a newer program is refused, and nothing is left behind', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await (await serve(dir))[Symbol.asyncDispose]()
  const out = home.in('node.backup')
  assert.equal((await noroshi(['backup', '--dir', dir, '--out', out, '--with-keys'])).code, 0)
  const whole = await readFile(out)

  const cut = home.in('cut')
  await copyFile(out, cut)
  await truncate(cut, whole.length - 40_000)
  const changed = home.in('changed')
  const bytes = Buffer.from(whole)
  const at = bytes.indexOf('noroshi.db', 2_000) + 100_000
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(changed, bytes)
  const newer = home.in('newer')
  await writeFile(newer, Buffer.from(whole.toString('latin1').replace(/"tables": 3/, '"tables": 9'), 'latin1'))
  const escaping = home.in('escaping')
  await writeFile(escaping, Buffer.from(whole.toString('latin1').replace('keys/root.json', '../../root.jso'), 'latin1'))
  for (const [file, why] of [
    [cut, /cut off|no plain file/],
    [changed, /are not those that were backed up/],
    [newer, /was made by Noroshi .* tables 9.*\n?.*Install/s],
    [escaping, /names no files|is no backup/],
    [home.in('absent'), /cannot be read/],
  ] as const) {
    const target = home.in('target')
    const ran = await noroshi(['restore', file, '--dir', target])
    assert.equal(ran.code, 2, `${file}: ${ran.stdout}`)
    assert.match(ran.stderr, why)
    await assert.rejects(readFile(`${target}/noroshi.json`), /ENOENT/)
    await assert.rejects(readFile(`${target}/noroshi.db`), /ENOENT/)
  }
})

test('a node of an older program refuses data of a newer one, changes nothing, and says what to do', async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await (await serve(dir))[Symbol.asyncDispose]()
  {
    using db = new DatabaseSync(`${dir}/noroshi.db`)
    db.exec('pragma user_version = 999')
  }
  const before = await readFile(`${dir}/noroshi.db`)
  for (const args of [['serve', '--port', '0'], ['fsck'], ['backup', '--out', home.in('out')]]) {
    const ran = await noroshi([...args, '--dir', dir])
    assert.equal(ran.code, 2, args[0])
    assert.match(ran.stderr, /newer Noroshi \(tables of version 999, this one knows \d+\)/)
    assert.match(ran.stderr, /Nothing was changed.*Install that version/s)
  }
  assert.deepEqual(await readFile(`${dir}/noroshi.db`), before)
})
