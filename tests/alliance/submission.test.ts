// A client's submission through real nodes: consent, scrubbing, canaries over every way out, questions, declining, crashes.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ask, connection, indicator, telemetry, until } from './world.ts'
import {
  BANK_NAME,
  cases,
  CONSENTS,
  exported,
  ids,
  MARKING,
  onDisk,
  operatorToken,
  OTHERS,
  post,
  PROVIDER,
  readable,
  report,
  reports,
  show,
  type Shown,
  shownTo,
  submit,
  tokens,
  world,
} from './submission-world.ts'

test('a preview shows what each audience would get, what goes and why, and publishes nothing', async () => {
  for (const consent of CONSENTS) {
    const { status, body } = await submit(reports[consent].objects, {
      consent,
      protect: [reports[consent].secrets.name],
    })
    assert.equal(status, 201, JSON.stringify(body))
    assert.deepEqual([body.state, body.consent], ['received', consent])
    cases[consent] = body.id
  }
  const { secrets, leaky, signal } = reports.gov
  const { body } = await post<{
    alliances: {
      pseudonym: string
      findings: { object: string; path: string; kind: string; action: string; was?: unknown }[]
      publications: { form: string; recipients: { slug: string }[]; objects: Record<string, unknown>[] }[]
    }[]
  }>(`/submissions/${cases['gov']}/preview`, MARKING)
  const [preview] = body.alliances
  assert.ok(preview)
  assert.match(preview.pseudonym, /^ph-source-\d+$/)
  const [base, supplement, ...more] = preview.publications
  assert.equal(more.length, 0)
  assert.deepEqual(base?.recipients.map(({ slug }) => slug).sort(), [...OTHERS].sort())
  assert.deepEqual(supplement?.recipients.map(({ slug }) => slug).sort(), ['jp-nco', 'ph-dict'])
  assert.deepEqual(base?.objects.map(({ type }) => String(type)).sort(), [
    'file',
    'indicator',
    'ipv4-addr',
    'network-traffic',
    'sighting',
  ])
  const found = (object: string, path: string) =>
    preview.findings
      .filter((one) => one.object === object && one.path === path)
      .map(({ kind, action }) => `${kind} ${action}`)
  assert.deepEqual(found(leaky.id as string, 'pattern'), ['file-name withheld'])
  assert.deepEqual(found(signal.id as string, 'name'), ['host-name replaced'])
  assert.deepEqual(found(signal.id as string, 'description').sort(), [
    'file-name replaced',
    'internal-address replaced',
    'personal replaced',
    'time rounded',
  ])
  assert.deepEqual(found(signal.id as string, 'x_ticket'), ['custom removed'])
  assert.deepEqual(found(signal.id as string, 'valid_from'), ['time rounded'])
  assert.ok(preview.findings.some(({ path, kind }) => path === 'count' && kind === 'count'))
  const text = JSON.stringify(base)
  for (const secret of Object.values(secrets)) assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), secret)
  assert.ok(text.includes('CVE-2026-0001') && text.includes('2026-03-04T05:00:00.000Z'))
  for (const slug of OTHERS) assert.ok(!(await readable(slug)).includes(preview.pseudonym))
})

test('what is published shows the source to whom it agreed to, over every way out, and to nobody else', async () => {
  const published: Shown['publications'] = []
  for (const consent of CONSENTS) {
    const { status, body } = await post<Shown>(`/submissions/${cases[consent]}/accept`, MARKING)
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.state, 'accepted')
    published.push(...(body.publications ?? []))
  }
  assert.deepEqual(
    CONSENTS.map(
      (consent) => published.filter(({ objects }) => JSON.stringify(objects).includes(reports[consent].attack)).length,
    ),
    [1, 1, 1, 1],
    'one base each',
  )
  const attacks = CONSENTS.map((consent) => reports[consent].attack)
  for (const slug of OTHERS)
    await until(`all bases at ${slug}`, async () => {
      const text = await readable(slug)
      return attacks.every((attack) => text.includes(attack))
    })
  const sees: Record<string, readonly string[]> = {
    'ph-dict': ['own-gov', 'gov', 'everyone'],
    'jp-nco': ['gov', 'everyone'],
    'us-isac': [],
  }
  for (const slug of OTHERS)
    await until(`supplements at ${slug}`, async () => {
      const text = await readable(slug)
      return (sees[slug] ?? []).every((consent) => text.includes(reports[consent as 'gov'].secrets.host))
    })
  for (const slug of OTHERS) {
    const [files, disk] = [await exported(slug), await onDisk(slug)]
    assert.ok(files.split(attacks[0] as string).length > 3, 'each export tells of it')
    const text = (await readable(slug)) + files
    assert.ok(disk.includes(attacks[0] as string), 'what is on disk can be searched')
    for (const consent of CONSENTS) {
      const { secrets, objects } = reports[consent]
      const isOpen = sees[slug]?.includes(consent) === true
      for (const [kind, secret] of Object.entries(secrets)) {
        const isAllowed = isOpen && ['host', 'file', 'path', 'address', 'time'].includes(kind)
        const written = JSON.stringify(secret).slice(1, -1)
        if (!isAllowed)
          for (const form of [secret, written])
            assert.ok(
              !text.includes(form) && !disk.includes(form) && !world.log(slug).includes(form),
              `${slug} has ${kind} of ${consent}`,
            )
      }
      const tag = `kanari${CONSENTS.indexOf(consent)}`
      if (!isOpen) assert.ok(!text.includes(tag) && !disk.includes(tag), `${slug} has a trace of ${consent}`)
      for (const { id } of objects) assert.ok(!disk.includes(id) && !text.includes(id), `${slug} has the id ${id}`)
    }
  }
  // The charter knows the client; what is shared names it to those alone whom consent opens it to.
  const notes = async (slug: string) =>
    (await readable(slug)).split('"type":"note"').filter((part) => part.includes(`source: ph-bank, ${BANK_NAME}`))
      .length > 0
  assert.deepEqual(await Promise.all(OTHERS.map(notes)), [true, true, true])
  const isac = await readable('us-isac')
  assert.ok(isac.includes(ids['ph-bank'] as string))
  const before = CONSENTS.filter((consent) => consent !== 'everyone').map((consent) =>
    published.find(({ objects }) => JSON.stringify(objects).includes(reports[consent].attack)),
  )
  for (const base of before)
    assert.ok(!JSON.stringify(base).includes('ph-bank') && !JSON.stringify(base).includes(ids['ph-bank'] as string))
})

test('neither the provider’s other clients nor its logs know anything of a case', async () => {
  const text =
    (await readable(PROVIDER, tokens['ph-telecom read'])) + (await readable(PROVIDER, tokens['ph-bank read']))
  for (const tag of ['kanari', '10.77.', 'Zamboanga']) {
    assert.ok(!text.includes(tag), tag)
    assert.ok(!world.log(PROVIDER).includes(tag), `log: ${tag}`)
  }
  const operator = await (await ask(world, PROVIDER, '/metrics')).text()
  assert.ok(!operator.includes('kanari') && !operator.includes('ph-bank'))
})

test('a case is not there for anybody but its client and the reviewer: all answers are the same', async () => {
  const id = cases['gov'] as string
  const absent = `${id.slice(0, -4)}0000`
  for (const as of [tokens['ph-telecom submit'], tokens['ph-telecom publish']]) {
    const [theirs, nothing] = [await show(id, as), await show(absent, as)]
    assert.equal(theirs.status, 404)
    assert.deepEqual(theirs, nothing)
    const said = [id, absent].map((one) =>
      post(`/submissions/${one}/messages`, { text: 'hello' }, as === undefined ? {} : { token: as }),
    )
    const [mine, none] = await Promise.all(said)
    assert.equal(mine?.status, 404)
    assert.deepEqual(mine, none)
    const changed = [id, absent].map((one) =>
      post(`/submissions/${one}/accept`, MARKING, as === undefined ? {} : { token: as }),
    )
    const [theirAccept, noAccept] = await Promise.all(changed)
    assert.equal(theirAccept?.status, 403)
    assert.deepEqual(theirAccept, noAccept)
    const list = await ask(world, PROVIDER, '/api/v1/submissions', as === undefined ? {} : { token: as })
    assert.deepEqual(await list.json(), { submissions: [] })
  }
  const { body: colleague } = await post<{ text: string }>('/tokens', { name: 'colleague', scope: 'publish' })
  assert.equal((await show(id, colleague.text)).status, 404, 'of the provider’s own people, the reviewer alone')
  assert.equal((await show(id, tokens['ph-bank read'])).status, 403, 'a token to read shared objects reads no cases')
  assert.equal((await show(id, tokens['ph-bank submit'])).status, 200)
})

test('the receipt tells the client how many, who was protected, and nothing by which to find what was shared', async () => {
  const id = cases['own-gov'] as string
  await until(
    'acknowledged',
    async () => (await shownTo(id, tokens['ph-bank submit'])).receipt?.acknowledged === '3 or more',
  )
  const mine = await show(id, tokens['ph-bank submit'])
  const { receipt, ...rest } = JSON.parse(mine.text) as Shown
  assert.equal(receipt?.sharedWith, '3')
  assert.equal(receipt?.sighted, 'fewer than 3')
  assert.match(receipt?.source ?? '', /of your nation/)
  assert.ok((receipt?.protected['host-name'] ?? 0) > 0)
  assert.ok(!('publications' in rest) && !('edits' in rest) && !('content' in rest))
  const { publications = [] } = await shownTo(id)
  for (const { objects } of publications)
    for (const object of objects) assert.ok(!mine.text.includes(String(object['id'])))
  assert.ok(!mine.text.includes('ph-source-'))
  // Seen at work by three members: told as a step, never as who.
  for (const slug of OTHERS) await telemetry(world, slug, [connection(reports['own-gov'].attack)])
  await until('sighted', async () => (await shownTo(id, tokens['ph-bank submit'])).receipt?.sighted === '3 or more')
})

test('a pseudonym is stable within an alliance and says nothing in another one', async () => {
  const marking = { tlp: 'green', to: ['pacific', 'sea-lanes'] }
  const names = new Map<string, Set<string>>()
  const made: string[][] = []
  for (const octet of [61, 62]) {
    const { body } = await submit(report(`twice${octet}`, octet).objects, { consent: 'none' })
    const { body: preview } = await post<{
      alliances: { alliance: string; pseudonym: string; publications: { objects: { id: string }[] }[] }[]
    }>(`/submissions/${body.id}/preview`, marking)
    for (const { alliance, pseudonym, publications } of preview.alliances) {
      names.set(alliance, (names.get(alliance) ?? new Set()).add(pseudonym))
      made.push(publications.flatMap(({ objects }) => objects.map(({ id }) => id)))
    }
  }
  assert.deepEqual(
    [...names.values()].map(({ size }) => size),
    [1, 1],
  )
  assert.notDeepEqual(names.get('pacific'), names.get('sea-lanes'))
  const all = made.flat()
  assert.equal(new Set(all).size, all.length, 'no id is shared between alliances or cases')
})

test('the reviewer asks back, edits by path, keeps what is the attacker’s, and never the source', async () => {
  const { objects, signal, leaky, secrets } = report('edited', 63)
  const { body } = await submit(objects, { consent: 'none', note: 'Please hurry' })
  await post(`/submissions/${body.id}/messages`, { text: 'internal remark', kind: 'note' })
  const asked = await post<Shown>(`/submissions/${body.id}/messages`, { text: 'Is the file name the attacker’s?' })
  assert.equal(asked.body.state, 'asked-back')
  const mine = await shownTo(body.id, tokens['ph-bank submit'])
  assert.deepEqual(
    [mine.state, mine.messages.map(({ text }) => text)],
    ['asked-back', ['Please hurry', 'Is the file name the attacker’s?']],
  )
  const answered = await post<Shown>(
    `/submissions/${body.id}/messages`,
    { text: 'Yes, it is' },
    { token: tokens['ph-bank submit'] as string },
  )
  assert.equal(answered.body.state, 'in-review')
  const identity = objects[0]
  const edits = [
    { object: leaky.id, path: 'pattern', op: 'keep' },
    { object: signal.id, path: 'name', op: 'replace', value: `Beacon of ${BANK_NAME} to ${secrets.address}` },
    { object: signal.id, path: 'description', op: 'remove' },
    { object: identity?.id, path: '', op: 'keep' },
  ]
  const bad = await post(
    `/submissions/${body.id}/edits`,
    { edits: [{ object: signal.id, path: 'nothing.here', op: 'remove' }] },
    { method: 'PUT' },
  )
  assert.equal(bad.status, 400)
  const edited = await post<Shown>(`/submissions/${body.id}/edits`, { edits }, { method: 'PUT' })
  assert.equal(edited.status, 200, JSON.stringify(edited.body))
  const { body: accepted } = await post<Shown>(`/submissions/${body.id}/accept`, MARKING)
  const made = accepted.publications?.flatMap((one) => one.objects) ?? []
  const text = JSON.stringify(made)
  assert.ok(text.includes(secrets.file), 'kept')
  assert.ok(!text.includes(BANK_NAME) && !text.includes(secrets.name) && !text.includes(secrets.address))
  const beacon = made.find(({ name }) => String(name).startsWith('Beacon'))
  assert.equal(beacon?.['name'], 'Beacon of [source] to [internal address]')
  assert.ok(beacon && !('description' in beacon))
  assert.equal(
    (await post(`/submissions/${body.id}/messages`, { text: 'late' })).status,
    400,
    'a closed case takes nothing',
  )
})

test('a declined case is told with its reason and nothing of it is shared', async () => {
  const { objects, attack } = report('declined', 64)
  const { body } = await submit(objects, { consent: 'everyone' })
  const declined = await post<Shown>(`/submissions/${body.id}/decline`, { reason: 'Known already' })
  assert.equal(declined.body.state, 'declined')
  const mine = JSON.parse((await show(body.id, tokens['ph-bank submit'])).text) as Shown & { reason: string }
  assert.deepEqual([mine.state, mine.reason, mine.receipt], ['declined', 'Known already', undefined])
  assert.equal((await post(`/submissions/${body.id}/accept`, MARKING)).status, 400)
  assert.ok(!(await readable(PROVIDER)).includes(attack))
})

test('objects are judged one by one; markings of the client bind', async () => {
  const tlp = (uuid: string) => `marking-definition--${uuid}`
  const red = { ...indicator('203.0.113.70'), object_marking_refs: [tlp('e828b379-4e03-4974-9ac4-e53a884c97c1')] }
  const unknown = { ...indicator('203.0.113.71'), object_marking_refs: [tlp(randomUUID())] }
  const invalid = { ...indicator('203.0.113.72'), pattern: '[' }
  const foreign = { ...indicator('203.0.113.73'), created_by_ref: world.node('jp-nco').config.member }
  const good = indicator('203.0.113.74')
  const hidden = {
    ...indicator('203.0.113.75'),
    description: 'only for you',
    granular_markings: [{ marking_ref: tlp('e828b379-4e03-4974-9ac4-e53a884c97c1'), selectors: ['description'] }],
  }
  const { status, body } = await submit([red, unknown, invalid, foreign, good, hidden], { consent: 'gov' })
  assert.equal(status, 201)
  const { refused } = body as unknown as { refused: { id: string; code: string }[] }
  assert.deepEqual(
    refused.map(({ id }) => id),
    [red.id, unknown.id, invalid.id, foreign.id],
  )
  assert.deepEqual([refused[1]?.code, refused[3]?.code], ['UNKNOWN_MARKING', 'NOT_OWNER'])
  const { body: accepted } = await post<Shown>(`/submissions/${body.id}/accept`, MARKING)
  const text = JSON.stringify(accepted.publications)
  assert.ok(text.includes('203.0.113.74') && text.includes('203.0.113.75') && !text.includes('only for you'))
  assert.equal((await submit([red])).status, 400, 'nothing to take')
  assert.equal(
    (await submit([good], {}, await operatorToken())).status,
    403,
    'the member publishes, it does not submit to itself',
  )
})

test('what is submitted twice is one case', async () => {
  const object = indicator('203.0.113.80')
  const [first, second] = [await submit([object]), await submit([object])]
  assert.deepEqual([first.status, second.status, second.body.id], [201, 200, first.body.id])
})

test('a crash between publication and receipt publishes nothing twice, and the receipt comes after all', async () => {
  const { objects, attack } = report('crashed', 65)
  const { body } = await submit(objects, { consent: 'gov' })
  const { store } = world.node(PROVIDER)
  const commit = store.commit.bind(store)
  // The node dies when it would write that the case is accepted.
  store.commit = (changes) =>
    changes.some(
      (change) =>
        change.op === 'put' &&
        change.collection === 'cases' &&
        (change.value as { state?: string }).state === 'accepted',
    )
      ? Promise.reject(new Error('power cut'))
      : commit(changes)
  assert.equal((await post(`/submissions/${body.id}/accept`, MARKING)).status, 500)
  assert.equal((await shownTo(body.id, tokens['ph-bank submit'])).state, 'in-review', 'the client hears of no half')
  const standing = async () => (await readable(PROVIDER)).split(`[ipv4-addr:value = '${attack}']`).length
  const once = await standing()
  assert.ok(once > 1, 'it was published')
  const entries = async () =>
    (await world.node(PROVIDER).store.logs({ own: true })).reduce((sum, { size }) => sum + size, 0)
  const count = await entries()
  const again = await post(`/submissions/${body.id}/accept`, { tlp: 'green', to: ['pacific'] })
  assert.deepEqual([again.status, await entries()], [500, count], 'what was begun is finished, not begun anew')
  await world.restart(PROVIDER)
  await until('resumed', async () => (await shownTo(body.id)).state === 'accepted')
  assert.equal(await standing(), once)
  assert.equal(await entries(), count, 'no entry was added')
  assert.equal((await shownTo(body.id, tokens['ph-bank submit'])).receipt?.sharedWith, '3')
  for (const slug of OTHERS) await until(`at ${slug}`, async () => (await readable(slug)).includes(attack))
})
