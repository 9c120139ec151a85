import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLanguageTag } from './language-tag.ts'

test('tags of registered languages, scripts and regions are language codes', () => {
  const good = `en en-US en-us EN de-CH-1996 de-1901 zh-Hant zh-Hant-TW zh-yue-HK zh-cmn-Hans sr-Latn-RS es-419 sl-rozaj-biske
    haw ast bbb fil qaa qtz-Qaaa-QM-x-own en-XA x-own x-a-b i-klingon art-lojban de-DE-u-co-phonebk en-a-bbb-x-c`
  for (const tag of good.split(/\s+/)) assert.equal(isLanguageTag(tag), true, tag)
})

test('codes of three letters for languages that have one of two are read as well', () => {
  for (const tag of ['eng', 'fra', 'fre', 'deu', 'ger', 'zho', 'eng-GB']) assert.equal(isLanguageTag(tag), true, tag)
})

test('what is not registered, or has not the form of RFC 5646, is no language code', () => {
  const bad = `x e xx zzz qzz engl english invalid de_DE de-Abcd de-XQ1 de-QA1 de-999 zh-zzz en-ZZA en--US -en en-
    en-US-a de-1 de-419-419 a-DE i-nothing x- 1en español en-US-u`
  for (const tag of ['', ' en', 'en ', 'en\n', ...bad.split(/\s+/)]) assert.equal(isLanguageTag(tag), false, tag)
  assert.equal(isLanguageTag('de-Abcd'), false)
  assert.equal(isLanguageTag('de-EU1'), false)
  assert.equal(isLanguageTag('de-EE'), true)
  assert.equal(isLanguageTag(`en-${'a'.repeat(300)}`), false)
})
