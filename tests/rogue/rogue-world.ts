// Honest nodes with keys of their own, in one alliance with a rogue; and what everybody must be able to say afterwards.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { toBase64 } from '#base'
import {
  type CharterMember,
  type CharterStatement,
  type Envelope,
  signStatement,
  type Signer,
  statementHash,
  toSigner,
} from '#log'
import { initDataDirectory, type NoroshiNode, openNode, openRootSigner, readConfig } from '#node'
import { makeMember } from '../../src/federation/simulation/members.ts'
import {
  ask,
  connection,
  indicator,
  journal,
  publish,
  type Published,
  telemetry,
  until,
  type World,
} from '../alliance/world.ts'
import { noroshi } from '../cli/command-line.ts'
import { Rogue } from './rogue.ts'

const ALLIANCE = 'pacific'
const HONEST = ['jp', 'ph'] as const
const PASSPHRASE = 'a rogue does not know this'
const AMBER = { tlp: 'amber', to: [`alliance:${ALLIANCE}`] }
/** Machines may be busy; nothing here is about speed. A test that is expected to fail need not wait that long. */
export const PATIENCE_MS = Number(process.env['NOROSHI_PATIENCE_MS'] ?? 30_000)

/** What may be seen by the whole alliance. */
export const audience = { v: 1, tlp: 'amber', community: [ALLIANCE] } as const

export interface RogueWorld extends World {
  rogue: Rogue
  /** Hash of the alliance's version 1, which outsiders know. */
  founding: string
  charter: { charter: CharterStatement; votes: Envelope[] }
  /** Root keys by slug: what people hold. */
  roots: Map<string, Signer>
}

export interface RogueWorldOptions {
  now?: () => number
  honest?: readonly string[]
  /** More in the configuration or the charter row of a member. */
  row?: (slug: string) => Partial<CharterMember>
  config?: (slug: string) => object
}

/** Opens the honest nodes and the rogue's server; everybody is linked with everybody. */
export async function openRogueWorld(options: RogueWorldOptions = {}): Promise<RogueWorld> {
  const { now = Date.now, honest = HONEST, row = () => ({}), config = () => ({}) } = options
  const path = await mkdtemp(join(tmpdir(), 'noroshi-rogue-'))
  const dir = (slug: string) => join(path, slug)
  const nodes = new Map<string, NoroshiNode>()
  const logs = new Map<string, string>()
  const time = now()
  const { self, root } = makeMember('rogue', time, { nation: 'XX' })
  const rogue = await Rogue.open({ member: self.member, nodeKey: self.nodeKey, now })
  const members: CharterMember[] = [{ ...self.profile, address: rogue.address }]
  const roots = new Map<string, Signer>([['rogue', root]])
  for (const slug of honest) {
    members.push({ ...(await makeDirectory(dir(slug), slug, time, config(slug))), ...row(slug) })
    roots.set(slug, await openRootSigner(dir(slug), PASSPHRASE))
  }
  members.sort((a, b) => (a.id < b.id ? -1 : 1))
  const charter: CharterStatement = {
    type: 'charter',
    alliance: ALLIANCE,
    version: 1,
    previous: null,
    members,
    rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] },
    time,
  }
  const founding = statementHash({ ...charter } as never)
  const votes = [...roots].map(([slug, signer]) => {
    const member = members.find((one) => one.slug === slug)!.id
    return signStatement('vote', { member, alliance: ALLIANCE, charter: founding, time }, [signer])
  })
  rogue.charters = { [ALLIANCE]: founding }
  const open = async (slug: string) => {
    const logDestination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logs.set(slug, (logs.get(slug) ?? '') + chunk.toString())
        done()
      },
    })
    const node = await openNode({
      dir: dir(slug),
      port: 0,
      logLevel: 'debug',
      logDestination,
      webRoot: '/nowhere',
      now,
    })
    nodes.set(slug, node)
    return node
  }
  const link = async (slug: string) => {
    for (const other of honest) {
      if (other === slug || !nodes.has(other)) continue
      await nodes.get(slug)?.federation.addLink(other, nodes.get(other)!.url())
      await nodes.get(other)?.federation.addLink(slug, nodes.get(slug)!.url())
    }
  }
  for (const slug of honest) {
    const node = await open(slug)
    await node.federation.alliances.bootstrapCharter({ charter, votes })
    await link(slug)
  }
  const stop = async (slug: string) => {
    await nodes.get(slug)?.[Symbol.asyncDispose]()
    nodes.delete(slug)
  }
  const node = (slug: string) => {
    const found = nodes.get(slug)
    if (!found) throw new Error(`${slug} does not run`)
    return found
  }
  return {
    path,
    dir,
    node,
    stop,
    rogue,
    founding,
    roots,
    charter: { charter, votes },
    log: (slug) => logs.get(slug) ?? '',
    async restart(slug) {
      await stop(slug)
      const again = await open(slug)
      await link(slug)
      return again
    },
    async [Symbol.asyncDispose]() {
      for (const slug of nodes.keys()) await stop(slug)
      await rogue[Symbol.asyncDispose]()
      await rm(path, { recursive: true, force: true })
    },
  }
}

async function makeDirectory(dir: string, slug: string, time: number, more: object): Promise<CharterMember> {
  const nation = slug.slice(0, 2).toUpperCase()
  const name = `Member ${slug}`
  await initDataDirectory({ dir, slug, name, nation, kind: 'national-csirt', passphrase: PASSPHRASE, now: time })
  const config = { ...(await readConfig(dir)), ...more }
  await writeFile(join(dir, 'noroshi.json'), JSON.stringify(config))
  const { readFile } = await import('node:fs/promises')
  const delegations = JSON.parse(await readFile(join(dir, 'keys/delegations.json'), 'utf8')) as Envelope[]
  const { member: id, kind, sectors, rootKey: root } = config
  return { id, slug, name, nation, kind, sectors, root, delegations, standing: 'active', joined: time }
}

/** Alarms that a node has raised. */
export interface RaisedAlarm {
  kind: string
  peer: string
  message: string
  evidence?: number
}

export const alarms = (world: World, slug: string): Promise<RaisedAlarm[]> =>
  journal<RaisedAlarm>(world, slug, 'alarms')

/** Waits for an alarm of a kind about the rogue. */
export async function alarmed(world: RogueWorld, slug: string, kind: string, message = /./): Promise<RaisedAlarm> {
  let found: RaisedAlarm | undefined
  await until(
    `${slug} raises the alarm ${kind}`,
    async () => {
      found = (await alarms(world, slug)).find((one) => one.kind === kind && message.test(one.message))
      return found !== undefined
    },
    PATIENCE_MS,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; raised: ${JSON.stringify(await alarms(world, slug))}`)
  })
  assert.equal(found!.peer, world.rogue.keys.member, `the alarm is about the rogue: ${found!.message}`)
  return found!
}

interface EvidenceRow {
  id: string
  kind: string
  accused: string
  proved: boolean
}

export async function evidenceAt(world: World, slug: string): Promise<EvidenceRow[]> {
  const { evidence } = (await (await ask(world, slug, '/api/v1/evidence?limit=1000')).json()) as {
    evidence: EvidenceRow[]
  }
  return evidence
}

/** Somebody without a node, who knows the alliance by its founding hash alone, finds the rogue guilty of `what`. */
export async function convicts(world: RogueWorld, slug: string, kind: string, what: RegExp): Promise<void> {
  const row = (await evidenceAt(world, slug)).find((one) => one.kind === kind && one.proved)
  assert.ok(row, `${slug} holds a proof of ${kind}: ${JSON.stringify(await evidenceAt(world, slug))}`)
  const { file } = (await (await ask(world, slug, `/api/v1/evidence/${row.id}`)).json()) as { file: object }
  const path = join(world.path, `evidence-${row.id}.json`)
  await writeFile(path, JSON.stringify(file))
  const ran = await noroshi(['verify', path, '--founding', world.founding], { env: { NOROSHI_DIR: undefined } })
  assert.equal(ran.code, 0, ran.stdout + ran.stderr)
  assert.match(ran.stdout, /PROVED: rogue/)
  assert.match(ran.stdout, what)
}

/** Nobody but the rogue is named by any alarm or piece of evidence at any honest node. */
export async function blamesNobodyElse(world: RogueWorld, slugs: readonly string[] = HONEST): Promise<void> {
  const { member } = world.rogue.keys
  for (const slug of slugs) {
    for (const alarm of await alarms(world, slug)) assert.equal(alarm.peer, member, `${slug}: ${alarm.message}`)
    for (const row of await evidenceAt(world, slug)) assert.equal(row.accused, member, `${slug}: ${row.kind}`)
  }
}

let addresses = 0
/** Addresses for documentation that no other call got. */
export const freshAddress = (): string => `198.51.100.${(addresses++ % 254) + 1}`

/** An honest member publishes now: it arrives at the other, is armed, matches, and is receipted. */
export async function honestSignalArrives(world: RogueWorld, from = 'ph', to = 'jp'): Promise<Published> {
  const address = freshAddress()
  const signal = indicator(address)
  const published = await publish(world, from, [signal], AMBER)
  await until(
    `${to} matches what ${from} published during the attack`,
    async () => {
      const { hits } = await telemetry(world, to, [connection(address)])
      return hits.some((hit) => hit.indicator === signal.id)
    },
    PATIENCE_MS,
  )
  await until(
    `${from} has the receipt of ${to}`,
    async () => {
      const log = published.published[0]!.log
      const { receipts } = (await (await ask(world, from, `/api/v1/receipts?log=${log}`)).json()) as {
        receipts: { kind: string; member: string; verified: boolean }[]
      }
      const member = world.node(to).config.member
      return receipts.some((one) => one.kind === 'received' && one.member === member && one.verified)
    },
    PATIENCE_MS,
  )
  return published
}

/** Waits until a node holds that much of a rogue's log. */
export const mirrored = (world: RogueWorld, slug: string, log: string, size: number): Promise<void> =>
  until(
    `${slug} mirrors ${size} entries`,
    async () => (await world.node(slug).store.log(log as never))?.size === size,
    PATIENCE_MS,
  )

/** An object of the rogue's own. */
export const rogueIndicator = (world: RogueWorld, pattern: string, more: object = {}) => ({
  ...indicator('192.0.2.1'),
  created_by_ref: world.rogue.keys.member,
  pattern,
  ...more,
})

/** The key by which a node signs. */
export const publicKeyOf = (key: Signer): string => toBase64(key.publicKey)
export { ask, connection, indicator, journal, publish, telemetry, toSigner, until }
