// Two members in one alliance, brought together by the commands that operators use.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BundleReader } from '#stix'
import { type Answer, good, noroshi, serve, type Serving } from './noroshi-command.ts'

/** Name of the alliance. */
export const ALLIANCE = 'pair'
const SETTLE_LIMIT_MS = 60_000
const POLL_MS = 100
const PAGE_OBJECTS = 1_000

/** One node of the pair. */
export interface TestNode extends AsyncDisposable {
  slug: string
  dir: string
  url: string
  /** A command about this node. */
  run(...args: string[]): Promise<Answer>
  /** A request to its API, as its operator. */
  send(path: string, init?: RequestInit): Promise<Response>
  /** The JSON of a good answer. */
  get<T>(path: string): Promise<T>
  stop(): Promise<number | null>
}

/** Both nodes, linked. */
export interface TwoNodes {
  author: TestNode
  mirror: TestNode
}

/** Creates, serves and allies two nodes below `folder`; the stack stops them. */
export async function openTwoNodes(folder: string, stack: AsyncDisposableStack): Promise<TwoNodes> {
  const open = async (slug: string, nation: string) => stack.use(await openTestNode(join(folder, slug), slug, nation))
  const [author, mirror] = await Promise.all([open('jp-author', 'JP'), open('ph-mirror', 'PH')])
  await good(author.run('alliance', 'create', ALLIANCE))
  const invitation = (await good(author.run('alliance', 'invite', ALLIANCE))).stdout.trim()
  const joining = await good(mirror.run('alliance', 'join', invitation, '--json'))
  const { words } = JSON.parse(joining.stdout) as { words: string }
  await good(author.run('alliance', 'approve', ALLIANCE, '--member', mirror.slug, '--words', words))
  await good(author.run('link', 'add', mirror.slug, mirror.url))
  await until('the mirror stands in the alliance', async () => {
    const { alliances } = await mirror.get<{ alliances: unknown[] }>('/api/v1/status')
    return alliances.length === 1
  })
  await good(mirror.run('link', 'add', author.slug, author.url))
  for (const node of [author, mirror])
    await until(`the link of ${node.slug} is up`, async () => {
      const { links } = await node.get<{ links: { state: string }[] }>('/api/v1/status')
      return links.length === 1 && links[0]?.state === 'up'
    })
  return { author, mirror }
}

async function openTestNode(dir: string, slug: string, nation: string): Promise<TestNode> {
  const about = ['--slug', slug, '--name', `CSIRT ${slug}`, '--nation', nation, '--kind', 'national-csirt']
  await good(noroshi(['init', '--dir', dir, ...about]))
  const serving: Serving = await serve(dir)
  const authorization = `Bearer ${readFileSync(join(dir, 'operator.token'), 'utf8').trim()}`
  const send: TestNode['send'] = (path, init = {}) =>
    fetch(serving.url + path, { ...init, headers: { authorization, ...(init.headers as Record<string, string>) } })
  return {
    slug,
    dir,
    url: serving.url,
    send,
    run: (...args) => noroshi([...args, '--dir', dir]),
    async get<T>(path: string) {
      const response = await send(path)
      assert.equal(response.status, 200, `${path} of ${slug}`)
      return (await response.json()) as T
    },
    stop: () => serving.stop(),
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  }
}

/** Waits for something that comes true by itself. */
export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SETTLE_LIMIT_MS
  while (!(await isTrue())) {
    assert.ok(Date.now() < deadline, `after ${SETTLE_LIMIT_MS} ms it is still not so that ${what}`)
    await sleep(POLL_MS)
  }
}

/** Name of one version of an object. */
export const versionOf = ({ id, modified = '' }: { id?: unknown; modified?: unknown }): string =>
  `${String(id)} ${String(modified)}`

/** The objects of a bundle's text by version, each as it is written there. */
export function objectTexts(bundle: Uint8Array): Map<string, string> {
  const reader = new BundleReader()
  const texts = new Map<string, string>()
  for (const item of [...reader.push(bundle), ...reader.end()]) {
    assert.notEqual(item.kind, 'fault', JSON.stringify(item))
    if (item.kind === 'object') texts.set(versionOf(item.value as object), Buffer.from(item.bytes).toString('utf8'))
  }
  return texts
}

/** The objects that a node answers by version, each as it stands in the answer's text. */
export async function objectsAt(node: TestNode): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  let next: string | undefined
  do {
    const cursor = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`
    const response = await node.send(`/api/v1/objects?limit=${PAGE_OBJECTS}&order=oldest${cursor}`)
    assert.equal(response.status, 200)
    const text = await response.text()
    const page = JSON.parse(text) as { objects: { object: object }[]; next?: string }
    const slices = slicesOf(text)
    assert.equal(slices.length, page.objects.length)
    page.objects.forEach(({ object }, i) => {
      const version = versionOf(object)
      assert.ok(!texts.has(version), `${version} is answered twice`)
      texts.set(version, slices[i] as string)
    })
    next = page.next
  } while (next !== undefined)
  return texts
}

/** Texts of the objects within one page: each stands as `{"object":…,"publisher":…}`. */
function slicesOf(page: string): string[] {
  const reader = new BundleReader()
  return [...reader.push(Buffer.from(page)), ...reader.end()].flatMap((item) => {
    if (item.kind !== 'object') return []
    const text = Buffer.from(item.bytes).toString('utf8')
    return [text.slice('{"object":'.length, text.lastIndexOf(',"publisher":'))]
  })
}
