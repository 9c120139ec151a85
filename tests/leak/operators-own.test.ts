// Drill reports and backups hold what readers may not have: their operator alone gets them, and the files are its own.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { reportOf } from '#drill'
import { backUp, openDrillFolder } from '#node'
import { until } from '../alliance/world.ts'
import { hasAny, mark, open, put, told } from './case-stage.ts'
import { markersIn, markerText } from './markers.ts'
import { wholeOf } from './ways.ts'
import { HUB } from './world-plan.ts'

const DRILL = 'quiet-harbour'
const FORMS = ['', '/report.html', '/report.md', '/report.json'] as const

test('a drill report tells whoever is not the operator', async () => {
  const on = await open()
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const quoted = markerText(secret, 'n')
  const headers = { 'content-type': 'application/json' }
  const tokens = new Map<string, string>()
  for (const scope of ['read', 'publish', 'submit', 'telemetry'])
    for (const slug of scope === 'read' ? ['ph-cert', 'jp-bank'] : ['ph-cert']) {
      const org = on.memberId(slug)
      const made = { name: `${scope} of ${slug}`, scope, org }
      tokens.set(`${scope} of ${slug}`, (await on.post<{ text: string }>(HUB, '/api/v1/tokens', made)).text)
    }
  const events = await fetch(`${on.node(HUB).url()}/api/v1/events`, {
    headers: { authorization: `Bearer ${tokens.get('read of ph-cert')}` },
  })
  let heard = ''
  void (async () => {
    for await (const chunk of events.body ?? []) heard += Buffer.from(chunk).toString()
  })().catch(() => undefined)
  const asReaders = async (id: string) => {
    const answers: string[] = []
    for (const [who, token] of tokens)
      for (const path of ['/api/v1/drills', ...FORMS.map((form) => `/api/v1/drills/${id}${form}`)]) {
        const answer = wholeOf(await on.ask(HUB, path, { token })).toString()
        answers.push(`${who} ${path} ${answer}`.replaceAll(id, 'ID'))
      }
    return answers
  }
  const before = await asReaders(DRILL)
  const reports = { html: `<p>${quoted}</p>`, markdown: quoted, json: { quoted } }
  const body = JSON.stringify({ title: { en: quoted }, state: 'passed', exposure: [{ quoted }], reports })
  assert.equal((await on.ask(HUB, `/api/v1/drills/${DRILL}`, { method: 'PUT', headers, body })).status, 204)
  for (const form of FORMS)
    assert.ok(
      hasAny(markersIn((await on.ask(HUB, `/api/v1/drills/${DRILL}${form}`)).body), secret),
      'the operator has it',
    )
  assert.deepEqual(await asReaders(DRILL), before, 'as before there was one')
  assert.deepEqual(await asReaders('no-such-drill'), before, 'as one that is not there')
  const later = await put(mark('green'))
  await until('the page is told of what came after', () => heard.includes('event: published'))
  assert.doesNotMatch(heard, /drill|quiet/)
  await events.body?.cancel().catch(() => undefined)
  const all = await told(HUB, 'ph-cert')
  assert.ok(hasAny(all, later) && !hasAny(all, secret))
})

test('a drill report on disk is for everybody on the machine', async (t) => {
  const folder = join(await scratch(t), 'report')
  const { writeReport } = await openDrillFolder()
  await writeReport(folder, reportOf({ ...RECORD, drill: DRILL }))
  await assertOwnersAlone(folder)
})

test('a backup is for everybody on the machine, or is handed out by the node', async (t) => {
  const on = await open()
  const secret = await put(mark('red', { participants: ['th-agency'] }))
  const folder = await scratch(t)
  const out = join(folder, 'hub.backup')
  await backUp({ dir: on.dir(HUB), out, withKeys: false, now: Date.now() })
  const { size, mode } = await stat(out)
  assert.ok(size > 10_000)
  assert.equal(mode & 0o077, 0, 'the file is its owner’s alone')
  for (const path of ['/api/v1/backup', '/api/v1/backups', '/backup', '/hub.backup'])
    for (const token of [on.operator(HUB), on.tokens(HUB).get('ph-cert') ?? ''])
      assert.equal((await on.ask(HUB, path, { token })).status, 404, `${path}: no door hands one out`)
  assert.ok(!hasAny(await told(HUB, 'ph-cert'), secret))
})

async function scratch(t: { after: (run: () => Promise<void>) => void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'noroshi-own-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function assertOwnersAlone(folder: string): Promise<void> {
  const names = await readdir(folder)
  assert.ok(names.length > 0)
  for (const path of [folder, ...names.map((name) => join(folder, name))])
    assert.equal((await stat(path)).mode & 0o077, 0, `${path} is its owner's alone`)
}

const RECORD: Parameters<typeof reportOf>[0] = {
  drill: DRILL,
  scenario: 's',
  title: { en: 's' },
  summary: { en: '' },
  started: 0,
  ended: 10_000,
  members: [],
  waves: [],
  signals: [],
  waveTitles: {},
  cuts: [],
  delays: [],
  receipts: [],
  evidence: [],
  probes: [],
  operations: [],
  benign: [],
  expectations: [],
  techniques: [],
}
