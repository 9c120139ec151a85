import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JsonObject, utf8 } from '#base'
import { type Audience, ENTRY_KIND } from '#log'
import { objectColumns } from '#stix'
import { openStore, type Store } from '#store'
import type { Alarm, Federation, FederationEvents, FederationOptions, LinkRequest, LinkResponse } from '../api.ts'
import { openFederation } from '../federation.ts'
import type { MadeMember } from '../simulation/members.ts'
import { fetchTransport, listen, type Listening } from './loopback.ts'

/** A node without its operator's side: real store in a temporary folder, real HTTP on loopback. */
export interface RealNode extends AsyncDisposable {
  member: MadeMember
  store: Store
  federation: Federation
  address: string
  alarms: Alarm[]
  publish(
    audience: Audience,
    objects: readonly JsonObject[],
  ): Promise<{ log: string; size: number; firstIndex: number }>
  /** Replaces the server's answers: to play a peer that misbehaves. */
  intercept(
    handler: ((request: LinkRequest, next: () => Promise<LinkResponse>) => Promise<LinkResponse>) | undefined,
  ): void
}

/** Starts listening first, so that the member's charter row can carry its address. */
export async function reserve(): Promise<
  Listening & { serve(handle: (request: LinkRequest) => Promise<LinkResponse>): void }
> {
  let handler: ((request: LinkRequest) => Promise<LinkResponse>) | undefined
  const unavailable: LinkResponse = { status: 503, headers: {}, body: new Uint8Array() }
  const listening = await listen(async (request) => (handler ? handler(request) : unavailable))
  return Object.assign(listening, { serve: (handle: typeof handler) => (handler = handle) })
}

/** Opens a node of that member behind an address. */
export async function openRealNode(
  member: MadeMember,
  listening: Awaited<ReturnType<typeof reserve>>,
  more: Partial<FederationOptions> & { folder?: string } = {},
): Promise<RealNode> {
  const folder = more.folder ?? (await mkdtemp(join(tmpdir(), 'noroshi-federation-')))
  const { self } = member
  const now = more.now ?? Date.now
  const store = await openStore({ folder, signer: { member: self.member, key: self.nodeKey }, now })
  const alarms: Alarm[] = []
  const events: Partial<FederationEvents> = { ...more.events, alarm: (alarm) => alarms.push(alarm) }
  const transport = fetchTransport
  const random = more.random ?? ((count: number) => new Uint8Array(randomBytes(count)))
  const federation = await openFederation({ store, self, now, random, transport, ...more, events })
  let interceptor: Parameters<RealNode['intercept']>[0]
  listening.serve((request) =>
    interceptor ? interceptor(request, () => federation.handle(request)) : federation.handle(request),
  )
  return {
    member,
    store,
    federation,
    address: listening.address,
    alarms,
    intercept: (handler) => (interceptor = handler),
    publish: (audience, objects) => publish(store, federation, member, audience, objects, now, random),
    [Symbol.asyncDispose]: async () => {
      await federation[Symbol.asyncDispose]()
      await listening.close()
      await store[Symbol.asyncDispose]()
      if (more.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Appends objects to the member's own log for an audience, as a node's publish does at its end. */
export async function publish(
  store: Store,
  federation: Federation,
  { self }: MadeMember,
  audience: Audience,
  objects: readonly JsonObject[],
  now: () => number,
  random: (count: number) => Uint8Array,
): Promise<{ log: string; size: number; firstIndex: number }> {
  const time = now()
  const entries = objects.map((object) => ({
    kind: ENTRY_KIND.object,
    salt: random(32),
    time,
    payload: utf8(JSON.stringify(object)),
    object: { ...objectColumns(object), status: 'accepted' as const },
  }))
  const genesis = { salt: random(32), time, incarnation: random(16) }
  const charters = federation.directory.charterLines(audience)
  const [outcome] = await store.commit([{ op: 'append', author: self.member, audience, genesis, charters, entries }])
  if (outcome?.op !== 'append') throw new Error('The store did not append')
  federation.announce([{ log: outcome.log, size: outcome.size }])
  return outcome
}

/** Waits until something holds; fails with what was awaited after `ms`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Waited ${ms} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
