import type { Audience } from '#log'
import { FederationError } from '../error.ts'
import type { MemoryDisk } from './memory-disk.ts'
import type { Act } from './plan.ts'
import type { World } from './world.ts'

/** Acts of one kind. */
export type ActOf<Kind extends Act['do']> = Extract<Act, { do: Kind }>

type DiskLog = MemoryDisk['logs'] extends Map<string, infer Log> ? Log : never

/** A node's clock jumps. */
export function jumpClock(world: World, { node: place, jumpMs }: ActOf<'clock'>): void {
  const node = world.node(place)
  node.offsetMs += jumpMs
  world.leadMs = Math.max(world.leadMs, node.offsetMs)
  world.coverage.add(jumpMs > 0 ? 'clock jump forwards' : 'clock jump backwards')
  world.tell(`${node.slug}: its clock jumps by ${jumpMs} ms to ${Math.round(node.offsetMs)} ms off`)
}

/** Nothing passes on the way between two nodes for a time. */
export function cutWay(world: World, { from, to, both, forMs }: ActOf<'cut'>): void {
  const [a, b] = [world.node(from).address, world.node(to).address]
  world.network.cut(a, b)
  if (both) world.network.cut(b, a)
  world.coverage.add(both ? 'cut, both ways' : 'cut, one way')
  world.tell(`the way from ${world.node(from).slug} to ${world.node(to).slug} is cut${both ? ', and back' : ''}`)
  world.time.after(forMs, 'mend', () => {
    world.network.mend(a, b)
    if (both) world.network.mend(b, a)
  })
}

/** Streams from one node to another stay open and bring nothing for a time. */
export function silenceWay(world: World, { from, to, forMs }: ActOf<'silence'>): void {
  const [a, b] = [world.node(from).address, world.node(to).address]
  world.network.silence(a, b)
  world.tell(`streams from ${world.node(from).slug} to ${world.node(to).slug} go silent`)
  world.time.after(forMs, 'mend', () => world.network.mend(a, b))
}

/** An audience of a plan names members by their places. */
export function withIds(world: World, audience: Audience): Audience {
  const ids = (list: readonly string[]) =>
    list.map((name) => world.node(Number(name.slice(1))).member.self.member).toSorted()
  return {
    ...audience,
    ...(audience.members ? { members: ids(audience.members) } : {}),
    ...(audience.participants ? { participants: ids(audience.participants) } : {}),
  } as Audience
}

/** Turns a bit of an entry or a checkpoint; answers whether it is there still, or undefined where there was nothing to turn. */
export function rotBit(disk: MemoryDisk, log: DiskLog, what: 'entry' | 'checkpoint', nth: number) {
  if (what === 'entry') {
    const entry = log.entries[1 + (nth % (log.entries.length - 1))]!
    if (!entry.bytes) return undefined
    const rotten = flipped(entry.bytes, nth)
    entry.bytes = rotten
    return () => [...disk.logs.values()].some(({ entries }) => entries.some(({ bytes }) => bytes === rotten))
  }
  const last = log.checkpoints.at(-1)!
  const rotten = Buffer.from(flipped(Buffer.from(last.note), nth)).toString()
  last.note = rotten
  return () => [...disk.logs.values()].some(({ checkpoints }) => checkpoints.some(({ note }) => note === rotten))
}

/** The same bytes with one bit turned. */
export function flipped(bytes: Uint8Array, nth: number): Uint8Array {
  const copy = new Uint8Array(bytes)
  if (copy.length > 0) copy[nth % copy.length]! ^= 1 << (nth % 7)
  return copy
}

/** What an act was answered with instead. */
export function refusedBy(world: World, act: Act, cause: unknown): void {
  const code = (cause as { code?: string }).code
  if (code === 'ALLIANCE_VOTED') world.coverage.add('second vote refused')
  if (code === 'RESTORE_ASKING') world.coverage.add('append waited for or refused by the gate')
  if (code === 'STORE_DISK_FULL' || code === 'STORE_FAILED') world.coverage.add('commit refused by the disk')
  if (code !== undefined || cause instanceof FederationError) return
  world.oracle.fail(`${act.do} ends with ${String(cause)}`)
}
