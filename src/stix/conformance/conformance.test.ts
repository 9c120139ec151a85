import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { SAMPLES } from '../sample-objects.ts'
import { validateObject } from '../validate.ts'
import { RULES, renderPage } from './page.ts'

const PAGE = fileURLToPath(new URL('../../../docs/stix-conformance.md', import.meta.url))

for (const { section, level, rule, code, reported, eased, why, breaks } of RULES)
  test(`${section}: ${rule}`, () => {
    if (code === undefined) return assert.ok(why !== undefined && why.length > 10)
    assert.ok(breaks.length > 0)
    for (const object of breaks) {
      const { errors, warnings } = validateObject(object, { strict: true })
      const findings = level === 'MUST' && eased !== true ? errors : warnings
      const found = findings.some((finding) => finding.code === code && finding.section === (reported ?? section))
      const all = [...errors, ...warnings].map((finding) =>
        [finding.code, finding.section, finding.path, finding.message].join(' '),
      )
      assert.ok(found, `no ${code} of ${reported ?? section} among:\n${all.join('\n')}`)
      if (level === 'MUST' && eased !== true) assert.equal(validateObject(object).valid, false)
      // What is broken is the one thing: the sample itself is fine, and a warning makes nothing invalid.
      else assert.deepEqual(errors, [])
    }
  })

test('the samples that the rules are broken on are valid', () => {
  for (const [type, sample] of Object.entries(SAMPLES)) assert.deepEqual(validateObject(sample).errors, [], type)
})

test('docs/stix-conformance.md says what the rules say', () => {
  if (process.env['NOROSHI_WRITE_PAGE'] === '1') writeFileSync(PAGE, renderPage())
  assert.ok(existsSync(PAGE))
  assert.equal(readFileSync(PAGE, 'utf8'), renderPage(), 'write it anew: NOROSHI_WRITE_PAGE=1 and this test')
})
