import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain, type ReasonCode, REASONS } from './reason.ts'
import { describeRecipients } from './recipients.ts'
import { idOf, smallWorld } from './small-world.ts'

test('every reason has one sentence of its own', () => {
  const sentences = REASONS.map((name) => explain(name as ReasonCode))
  for (const sentence of sentences) assert.match(sentence, /^[A-Z][^.]*\.?[^.]*(1\.0[^.]*)?\.$/)
  assert.equal(new Set(sentences).size, REASONS.length)
})

test('a reason with a selector names it', () => {
  assert.match(explain('REDACT_REQUIRED:object_refs.[0]'), /: object_refs\.\[0\]\.$/)
})

test('describing recipients answers for every organisation but the author', () => {
  const answers = describeRecipients({
    audience: { v: 1, tlp: 'red', participants: [idOf('us')] },
    author: idOf('jp'),
    register: smallWorld(),
    now: 0,
  })
  const codes = Object.fromEntries(answers.map(({ slug, send, code }) => [slug, `${send} ${code}`]))
  assert.equal(answers.length, 9)
  assert.equal(codes['us'], 'true RED_NAMED')
  assert.equal(codes['ph'], 'false RED_NOT_NAMED')
  assert.ok(answers.every(({ code, reason }) => reason === explain(code)))
})
