// OASIS's own client and STIX library, as Python packages, against the real server process.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openTaxiiWorld, type TaxiiWorld } from '../taxii/taxii-world.ts'

const PACKAGES = ['taxii2-client==2.3.0', 'stix2==3.0.1']
const HOME = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'noroshi-interop', PACKAGES.join('_'))
const PYTHON = join(HOME, 'bin', 'python')
const SCRIPT = join(import.meta.dirname, 'clients.py')
const CASES = [
  'discovers',
  'publishes_and_reads_back',
  'one_bad_object_is_a_failure_in_the_status',
  'filters',
  'versions',
  'deletes',
  'stix2_reads_every_page',
  'sink_of_stix2_writes',
  'refusals_are_errors_of_taxii',
]

/** The packages in a virtual environment, made once. */
function install(): void {
  const isThere = () => existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import stix2, taxii2client']).status === 0
  if (isThere()) return
  mkdirSync(HOME, { recursive: true })
  execFileSync('python3', ['-m', 'venv', HOME], { stdio: 'pipe' })
  execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], {
    stdio: 'pipe',
  })
  assert.ok(isThere(), `The packages cannot be loaded from ${HOME}.`)
}

describe('taxii2-client and stix2', () => {
  let world: TaxiiWorld
  let given: string

  before(async () => {
    install()
    world = await openTaxiiWorld()
    const soc = await world.caller('soc', 'publish')
    await world.run('taxii', 'collection', 'create', 'inbox', '--title', 'Inbox')
    await world.run('taxii', 'collection', 'grant', 'inbox', '--token-id', soc.id, '--can', 'write')
    given = JSON.stringify({ url: world.node.url, user: soc.id, password: soc.text })
  })
  after(() => world?.[Symbol.asyncDispose]())

  test('every case of the script is run', () => {
    assert.deepEqual(JSON.parse(execFileSync(PYTHON, [SCRIPT], { encoding: 'utf8' })), CASES)
  })
  for (const name of CASES)
    test(name.replaceAll('_', ' '), () => {
      const { status, stderr } = spawnSync(PYTHON, [SCRIPT, name], { input: given, encoding: 'utf8', timeout: 120_000 })
      assert.equal(status, 0, stderr)
    })
})
