// Import at a terminal: what a person is shown and asked, in order.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { atTerminal } from './at-terminal.ts'
import { folder, init, noroshi, type Served, serve } from './command-line.ts'

const skip = process.platform === 'linux' ? false : 'needs script of util-linux'
const MAIL = 'Beacon to hxxps://evil[.]example[.]com/gate and 203.0.113[.]77\n'

const idsOf = async (node: Served) => {
  const { objects } = (await (await node.ask('/api/v1/objects')).json()) as { objects: { tlp: string }[] }
  return objects.map(({ tlp }) => tlp)
}

test(
  'at a terminal, unmarked content is shown, the levels are explained, and nothing is published without a yes',
  { skip },
  async () => {
    await using home = await folder()
    const dir = home.in('node')
    await init(dir)
    await using node = await serve(dir)
    const file = home.in('mail.txt')
    await writeFile(file, MAIL)

    const refused = await atTerminal(['import', file, '--dir', dir], [[/Level: /, '\n']])
    assert.equal(refused.code, 1, refused.shown)
    assert.match(refused.shown, /2 objects carry no marking\. How far may they go\?/)
    assert.match(refused.shown, /amber\+strict\s+members of your alliances, who pass it on to nobody/)
    assert.match(refused.shown, /nothing is published/)

    const declined = await atTerminal(
      ['import', file, '--dir', dir],
      [
        [/Level: /, 'secret\n'],
        [/Level: /, 'TLP:Amber\n'],
        [/To whom\?[^:]*:[\s\S]*allows: /, '\n'],
        [/Publish 2 objects\? \[y\/N\] /, 'n\n'],
      ],
    )
    assert.equal(declined.code, 1, declined.shown)
    assert.match(declined.shown, /Would publish 2 objects as TLP:AMBER to:/)
    assert.ok(
      declined.shown.indexOf('Would publish') < declined.shown.indexOf('[y/N]'),
      'recipients come before the question',
    )
    assert.deepEqual(await idsOf(node), [])

    const done = await atTerminal(
      ['import', file, '--dir', dir],
      [
        [/Level: /, 'green\n'],
        [/allows: /, 'everybody\n'],
        [/allows: /, 'nation:JP\n'],
        [/\[y\/N\] /, 'y\n'],
      ],
    )
    assert.equal(done.code, 0, done.shown)
    assert.match(done.shown, /Published 2 objects, TLP:GREEN/)
    assert.deepEqual(await idsOf(node), ['TLP:GREEN', 'TLP:GREEN'])
  },
)

test('text that is pasted at the terminal is read to its end, and then the person is asked', { skip }, async () => {
  await using home = await folder()
  const dir = home.in('node')
  await init(dir)
  await using node = await serve(dir)
  const pasted = await atTerminal(
    ['import', '-', '--dir', dir, '--format', 'text', '--source', 'mail of 3 May', '--tlp', 'amber'],
    [
      [/Paste the text/, `${MAIL}\u0004`],
      [/Publish 2 objects\? \[y\/N\] /, 'yes\n'],
    ],
  )
  assert.equal(pasted.code, 0, pasted.shown)
  assert.equal((await idsOf(node)).length, 2)
})

test('the members among the organisations of a sharing group are suggested; nobody is chosen for the person', async () => {
  await using home = await folder()
  const [jp, us] = [home.in('jp'), home.in('us')]
  await init(jp)
  await init(us, 'us-cisa')
  await using one = await serve(jp)
  await using two = await serve(us)
  assert.ok(one.url !== two.url)
  await noroshi(['alliance', 'create', 'trilateral', '--dir', jp])
  const invitation = (await noroshi(['alliance', 'invite', 'trilateral', '--dir', jp])).stdout.trim()
  const joining = await noroshi(['alliance', 'join', invitation, '--dir', us, '--json'])
  const { words } = joining.json()[0] as { words: string }
  const approved = ['alliance', 'approve', 'trilateral', '--dir', jp, '--member', 'us-cisa', '--words', words]
  assert.equal((await noroshi(approved)).code, 0)
  const file = home.in('event.json')
  const organisations = ['Member us-cisa', 'Member jp-nco', 'Somebody else']
  await writeFile(
    file,
    JSON.stringify({
      Event: {
        info: 'Shared',
        timestamp: '1768446000',
        published: true,
        distribution: '4',
        Tag: [{ name: 'tlp:amber' }],
        SharingGroup: { name: 'Allies', SharingGroupOrg: organisations.map((name) => ({ Organisation: { name } })) },
        Attribute: [{ type: 'domain', category: 'Network activity', value: 'evil.example.com', to_ids: true }],
      },
    }),
  )
  const shown = await noroshi(['import', file, '--dir', jp, '--dry-run'])
  assert.equal(shown.code, 0, shown.stderr)
  assert.match(shown.stdout, /the members among them: --to member:us-cisa\n/)
  const told = await noroshi(['import', file, '--dir', jp, '--dry-run', '--json'])
  assert.deepEqual(told.json()[0]?.['suggested'], ['member:us-cisa'])
})
