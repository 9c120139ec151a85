// An alliance with clients, reports full of what must not get out, and everything that anybody can read.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { clientIdOf, type CharterMember } from '#log'
import { noroshi } from '../cli/command-line.ts'
import { ask, indicator, openWorld, type World } from './world.ts'

export const PROVIDER = 'ph-ncert'
export const OTHERS = ['ph-dict', 'jp-nco', 'us-isac'] as const
export const MARKING = { tlp: 'amber', to: ['pacific'] }
export const CONSENTS = ['none', 'own-gov', 'gov', 'everyone'] as const
export const BANK_NAME = 'Sampaguita Savings'
export let world: World
export const tokens: Record<string, string> = {}
export const ids: Record<string, string> = {}

before(async () => {
  const alliances = { pacific: [PROVIDER, ...OTHERS], 'sea-lanes': [PROVIDER, 'jp-nco'] }
  const kinds = { 'us-isac': 'isac' }
  // Ids of clients come from their provider's id, which comes from its key: the demo key of the slug.
  const provider = await memberOf(PROVIDER)
  const clients = ['ph-bank', 'ph-telecom'].map((slug) => ({
    id: (ids[slug] = clientIdOf(provider, slug)),
    slug,
    name: slug === 'ph-bank' ? BANK_NAME : 'Telecom',
    kind: 'company',
    sectors: ['finance'],
    nation: 'PH',
  })) as NonNullable<CharterMember['clients']>
  clients.sort((a, b) => (a.id < b.id ? -1 : 1))
  world = await openWorld({ alliances, kinds, clients: { [PROVIDER]: clients } })
  for (const slug of ['ph-bank', 'ph-telecom'])
    for (const scope of ['submit', 'publish', 'read']) tokens[`${slug} ${scope}`] = await token(slug, scope)
})

after(() => world[Symbol.asyncDispose]())

/** The id that a demo key gives. */
async function memberOf(slug: string) {
  await using one = await openWorld({ alliances: { alone: [slug] } })
  return one.node(slug).config.member
}

export async function post<T>(
  path: string,
  body: unknown,
  options: { token?: string; method?: string } = {},
): Promise<{ status: number; body: T }> {
  const { token: as, method = 'POST' } = options
  const response = await ask(world, PROVIDER, `/api/v1${path}`, {
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    ...(as === undefined ? {} : { token: as }),
  })
  return { status: response.status, body: (await response.json()) as T }
}

async function token(org: string, scope: string): Promise<string> {
  const { body } = await post<{ text: string }>('/tokens', { name: `${org} ${scope}`, scope, org })
  return body.text
}

export interface Shown {
  id: string
  state: string
  consent: unknown
  messages: { from: string; kind: string; text: string }[]
  receipt?: {
    sharedWith: string
    acknowledged: string
    sighted: string
    source: string
    protected: Record<string, number>
  }
  publications?: {
    form: string
    alliance: string
    objects: Record<string, unknown>[]
    places: { id: string; log: string; index: number }[]
  }[]
  content?: { id: string }[]
  code?: string
}

/** A report full of what must not get out; every secret bears the tag. */
export function report(tag: string, octet: number) {
  const secrets = {
    name: `Zamboanga Trust ${tag}`,
    host: `fs01-${tag}.manila.local`,
    file: `payroll-${tag}.xlsx`,
    path: `C:\\Users\\ana ${tag}\\Documents`,
    address: `10.77.${octet}.9`,
    // Every other address is a find of two kinds: a person's, at the source's own domain.
    mail: `ana.${tag}@${octet % 2 === 0 ? 'ph-bank' : 'manila'}.example`,
    time: `2026-03-04T05:${String(octet % 60).padStart(2, '0')}:07.123Z`,
    user: `svc-${tag}`,
  }
  const attack = `203.0.113.${octet}`
  const common = { spec_version: '2.1', created: '2026-03-04T05:07:00.000Z', modified: '2026-03-04T05:07:00.000Z' }
  const identity = {
    type: 'identity',
    id: `identity--${randomUUID()}`,
    ...common,
    name: secrets.name,
    identity_class: 'organization',
    contact_information: secrets.mail,
  }
  const signal = {
    ...indicator(attack),
    ...common,
    created_by_ref: identity.id,
    name: `Beacon from ${secrets.host}`,
    description: `${secrets.mail} saw ${secrets.address} open ${secrets.path}\\${secrets.file} at ${secrets.time}`,
    valid_from: secrets.time,
    x_ticket: `INC-${tag}`,
    external_references: [
      { source_name: 'ticket system', url: `https://tickets.ph-bank.example/${tag}` },
      { source_name: 'cve', external_id: 'CVE-2026-0001' },
    ],
  }
  const internal = { type: 'ipv4-addr', spec_version: '2.1', id: `ipv4-addr--${randomUUID()}`, value: secrets.address }
  const outside = { type: 'ipv4-addr', spec_version: '2.1', id: `ipv4-addr--${randomUUID()}`, value: attack }
  const mailbox = { type: 'email-addr', spec_version: '2.1', id: `email-addr--${randomUUID()}`, value: secrets.mail }
  const file = {
    type: 'file',
    spec_version: '2.1',
    id: `file--${randomUUID()}`,
    name: secrets.file,
    hashes: { 'SHA-256': 'ab'.repeat(31) + String(octet) },
  }
  const account = {
    type: 'user-account',
    spec_version: '2.1',
    id: `user-account--${randomUUID()}`,
    user_id: secrets.user,
  }
  const traffic = {
    type: 'network-traffic',
    spec_version: '2.1',
    id: `network-traffic--${randomUUID()}`,
    src_ref: internal.id,
    dst_ref: outside.id,
    protocols: ['tcp'],
    start: secrets.time,
  }
  const leaky = {
    ...indicator(attack),
    ...common,
    id: `indicator--${randomUUID()}`,
    pattern: `[file:name = '${secrets.file}']`,
  }
  const sighting = {
    type: 'sighting',
    id: `sighting--${randomUUID()}`,
    ...common,
    sighting_of_ref: signal.id,
    where_sighted_refs: [identity.id],
    count: 2,
    first_seen: secrets.time,
    last_seen: secrets.time,
  }
  const objects = [
    identity,
    signal,
    internal,
    outside,
    mailbox,
    file,
    account,
    traffic,
    leaky,
    sighting,
  ] as unknown as ({ id: string } & Record<string, unknown>)[]
  return { secrets, objects, signal, leaky, attack }
}

export const reports = Object.fromEntries(
  CONSENTS.map((consent, index) => [consent, report(`kanari${index}`, 41 + index)]),
) as Record<(typeof CONSENTS)[number], ReturnType<typeof report>>
export const cases: Record<string, string> = {}

export const submit = async (objects: readonly object[], more: object = {}, as = tokens['ph-bank submit']) =>
  post<Shown>('/submissions', { objects, ...more }, as === undefined ? {} : { token: as })
export const show = async (id: string, as?: string) => {
  const response = await ask(world, PROVIDER, `/api/v1/submissions/${id}`, as === undefined ? {} : { token: as })
  return { status: response.status, text: await response.text() }
}
export const shownTo = async (id: string, as?: string) => JSON.parse((await show(id, as)).text) as Shown

/** Everything that a token reads at a node through API and TAXII. */
export async function readable(slug: string, as?: string): Promise<string> {
  const options = as === undefined ? {} : { token: as }
  let text = ''
  for (let next: string | undefined = ''; next !== undefined;) {
    const page: string = await (
      await ask(world, slug, `/api/v1/objects?limit=1000&versions=all${next === '' ? '' : `&cursor=${next}`}`, options)
    ).text()
    text += page
    next = (JSON.parse(page) as { next?: string }).next
  }
  const headers = { accept: 'application/taxii+json;version=2.1' }
  const discovery = (await (await ask(world, slug, '/taxii2/', { ...options, headers })).json()) as {
    api_roots: string[]
  }
  assert.ok(discovery.api_roots.length > 0)
  for (const root of discovery.api_roots) {
    const path = new URL(root).pathname
    const listed = (await (await ask(world, slug, `${path}collections/`, { ...options, headers })).json()) as {
      collections?: { id: string }[]
    }
    for (const { id } of listed.collections ?? [])
      text += await (
        await ask(world, slug, `${path}collections/${id}/objects/?limit=1000`, { ...options, headers })
      ).text()
  }
  return text
}

/** What a node's operator exports, in the formats that carry texts. */
export async function exported(slug: string): Promise<string> {
  const ran = await Promise.all(
    ['stix', 'misp', 'csv'].map((format) => noroshi(['export', '--format', format, '--dir', world.dir(slug)])),
  )
  for (const { code, stderr } of ran) assert.equal(code, 0, stderr)
  return ran.map(({ stdout }) => stdout).join('\n')
}

/** Every byte in a node's data directory. */
export async function onDisk(slug: string): Promise<Buffer> {
  const files = await readdir(world.dir(slug), { recursive: true, withFileTypes: true })
  return Buffer.concat(
    await Promise.all(files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name)))),
  )
}

export const operatorToken = async () => (await readFile(join(world.dir(PROVIDER), 'operator.token'), 'utf8')).trim()
