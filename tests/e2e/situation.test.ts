// The page Situation in a real browser, on real nodes of a rehearsal.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { DrillNode } from '#drill'
import { buildWebPage, type Rehearsal, runRehearsal } from '#node'
import { firstWaveOnly, scenarioVariant, temporaryFolder } from '../alliance/scenario-variant.ts'
import { openBrowser } from './browser.ts'

let browser: Browser
let rehearsal: Rehearsal
const folder = temporaryFolder()

before(async () => {
  await buildWebPage(() => undefined)
  browser = await openBrowser()
  rehearsal = await runRehearsal({
    scenarioPath: scenarioVariant(folder.path, (scenario) => firstWaveOnly(scenario, '2s')),
    folder: join(folder.path, 'nodes'),
    now: Date.now,
    onProgress: () => undefined,
  })
})

after(async () => {
  await browser?.close()
  await rehearsal?.[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const node = (key: string): DrillNode => {
  const found = rehearsal.network.nodes.get(key)
  assert.ok(found)
  return found
}

async function open(key: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-US', ...options })
  const page = await context.newPage()
  const { url, token } = node(key)
  await page.goto(`${url}/#token=${encodeURIComponent(token)}`)
  await page.waitForSelector('.figures')
  return page
}

async function publish(key: string, name: string, tlp: string, to: string[]): Promise<void> {
  const { url, token, member } = node(key)
  const now = new Date().toISOString()
  const indicator = {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${crypto.randomUUID()}`,
    created_by_ref: member,
    created: now,
    modified: now,
    name,
    pattern: "[domain-name:value = 'live.example']",
    pattern_type: 'stix',
    valid_from: now,
  }
  const response = await fetch(`${url}/api/v1/publish`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ objects: [indicator], tlp, to }),
  })
  assert.equal(response.status, 200, await response.text())
}

test('the page shows members with their links, what arrived with its marking, and the drill; the token leaves the address', async () => {
  const page = await open('us')
  assert.ok(!page.url().includes('token'))
  await page.waitForSelector('[data-member="ph-ncert"][data-state="up"]')
  const text = await page.innerText('body')
  assert.match(text, /ph-ncert/)
  assert.match(text, /TLP:AMBER/)
  assert.match(text, /Source close to the operators/, 'the RED signal stands at its participant')
  assert.match(text, /ph-ncert → us-cisa/)
  await page.context().close()
})

test('what a member may not see is not on its page', async () => {
  const page = await open('th')
  const text = await page.innerText('body')
  assert.match(text, /TLP:GREEN/)
  assert.doesNotMatch(text, /TLP:AMBER|TLP:RED|Source close|netsh/)
  await page.context().close()
})

test('a signal that arrives shows without reloading', async () => {
  const page = await open('jp')
  await page.waitForSelector('[data-live="true"]')
  await publish('ph', 'Arrived while you watched', 'amber', ['alliance:trilateral'])
  await page.waitForSelector('text=Arrived while you watched', { timeout: 5_000 })
  await page.context().close()
})

test('Japanese and English, dark and light, wide and narrow: nothing overflows', async () => {
  for (const [locale, colorScheme, width] of [
    ['ja-JP', 'dark', 390],
    ['ja-JP', 'light', 1440],
    ['en-US', 'dark', 1440],
    ['en-US', 'light', 390],
  ] as const) {
    const page = await open('jp', { locale, colorScheme, viewport: { width, height: 900 } })
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    assert.equal(overflow, 0, `${locale} ${colorScheme} ${width}`)
    assert.equal(await page.getAttribute('html', 'lang'), locale.slice(0, 2))
    assert.match(await page.innerText('body'), locale === 'ja-JP' ? /参加組織とリンク/ : /Members and links/)
    assert.equal(await page.getAttribute('html', 'data-mantine-color-scheme'), colorScheme)
    await page.context().close()
  }
})

test('the language can be changed and stays', async () => {
  const page = await open('jp')
  await page.click('text=日本語')
  await page.waitForSelector('text=参加組織とリンク')
  await page.reload()
  await page.waitForSelector('text=参加組織とリンク')
  await page.context().close()
})

test('a refused token asks for another, and shows nothing', async () => {
  const context = await browser.newContext({ locale: 'en-US' })
  const page = await context.newPage()
  await page.goto(`${node('jp').url}/#token=wrong`)
  await page.waitForSelector('text=did not accept this token')
  assert.doesNotMatch(await page.innerText('body'), /ph-ncert/)
  await context.close()
})

test('the page asks nobody but its node, and its policy forbids the rest', async () => {
  const context = await browser.newContext({ locale: 'en-US' })
  const page = await context.newPage()
  const asked = new Set<string>()
  const errors: string[] = []
  page.on('request', (request) => asked.add(new URL(request.url()).origin))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  const { url, token } = node('jp')
  await page.goto(`${url}/#token=${token}`)
  await page.waitForSelector('.figures')
  assert.deepEqual(
    [...asked].filter((origin) => origin !== url && origin !== 'null'),
    [],
  )
  assert.deepEqual(errors, [])
  await context.close()
})
