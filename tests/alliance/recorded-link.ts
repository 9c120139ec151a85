// Two members whose keys, clock and randomness are fixed, so that what passes between them has the same bytes every time.
import { createHash } from 'node:crypto'
import { Possession, signLinkRequest, signSnapshot, signStatement } from '#log'
import type { LinkRequest, LinkResponse } from '../../src/federation/api.ts'
import { makeCharter, makeMember } from '../../src/federation/simulation/members.ts'
import { amberFor, indicator } from '../../src/federation/testing/objects.ts'
import { openRealNode, type RealNode, reserve } from '../../src/federation/testing/real-node.ts'

/** The instant at which everything was recorded. */
export const RECORDED_AT = 1_795_000_000_000

/** One request of `us-cisa` to `jp-nco` with its answer; bodies in base64. */
export interface Exchange {
  name: string
  request: { method: string; target: string; headers: Record<string, string>; body: string }
  answer: { status: number; type: string; body: string }
}

/** The same bytes whenever so many are asked for: other work of a node may ask in between. */
const constant = (bytes: number) =>
  new Uint8Array(createHash('shake256', { outputLength: bytes }).update(`author ${bytes}`).digest())

/** Fixed bytes that differ with every call. */
export function fixedRandom(seed: string): (bytes: number) => Uint8Array {
  let calls = 0
  return (bytes) => {
    const name = `${seed} ${++calls}`
    return new Uint8Array(createHash('shake256', { outputLength: bytes }).update(name).digest())
  }
}

export const author = makeMember('jp-nco', RECORDED_AT, { address: 'http://127.0.0.1:1' })
export const reader = makeMember('us-cisa', RECORDED_AT, { address: 'http://127.0.0.1:2' })
export const charter = makeCharter('pacific', [author, reader], RECORDED_AT)

/** The author's node with two commits in one log, of which the reader has nothing yet. */
export async function openAuthor(): Promise<{ node: RealNode; log: string }> {
  const now = () => RECORDED_AT
  const node = await openRealNode(author, await reserve(), { now, random: constant })
  await node.federation.alliances.bootstrapCharter(charter)
  const audience = amberFor('pacific')
  const creator = author.self.member
  await node.publish(audience, [indicator('first', creator, RECORDED_AT), indicator('second', creator, RECORDED_AT)])
  const { log } = await node.publish(audience, [indicator('third', creator, RECORDED_AT)])
  return { node, log }
}

/** Requests of every kind that a reader of version 1 sends, signed as it signs them. */
export async function requestsOf(node: RealNode, log: string): Promise<{ name: string; request: LinkRequest }[]> {
  const random = fixedRandom('nonces')
  const { member, nodeKey } = reader.self
  const signed = (name: string, method: string, target: string, text = '') => {
    const body = Buffer.from(text)
    const nonce = Buffer.from(random(16)).toString('hex')
    const signing = { from: member, to: author.self.member, created: RECORDED_AT / 1_000, nonce, signer: nodeKey }
    return { name, request: { method, target, headers: signLinkRequest({ method, target, body }, signing), body } }
  }
  const frames = await node.store.frames(log, 0, 4)
  const possession = new Possession(member, log as never)
  possession.add(frames)
  const root = await node.store.root(log as never, 4)
  const fields = {
    member,
    log,
    from: 0,
    size: 4,
    root: root!,
    possession: possession.digest(),
    stubs: [],
    time: RECORDED_AT,
  }
  const receipts = JSON.stringify({ receipts: [signStatement('received', fields as never, [nodeKey])] })
  const row = {
    author: member,
    reader: author.self.member,
    previousSequence: 0,
    time: RECORDED_AT,
    charters: {},
    logs: [],
  }
  const offer = JSON.stringify({ snapshot: signSnapshot(row, nodeKey), entries: [] })
  const at = `/link/v1/logs/${log}`
  return [
    signed('logs', 'GET', '/link/v1/logs'),
    signed('logs since', 'GET', `/link/v1/logs?since=${RECORDED_AT}`),
    signed('stream', 'GET', `/link/v1/stream?since=${RECORDED_AT}`),
    signed('checkpoint', 'GET', `${at}/checkpoint`),
    signed('checkpoint of a size', 'GET', `${at}/checkpoint?size=4`),
    signed('entries', 'GET', `${at}/entries?from=0&to=4`),
    signed('consistency', 'GET', `${at}/consistency?from=3&to=4`),
    signed('heads', 'GET', '/link/v1/heads'),
    signed('charters', 'GET', '/link/v1/charters/pacific?from=1'),
    signed('statements', 'GET', '/link/v1/statements'),
    signed('receipts', 'POST', '/link/v1/receipts', receipts),
    signed('offer', 'POST', '/link/v1/offer', offer),
    signed('unknown log', 'GET', `/link/v1/logs/${'f'.repeat(64)}/checkpoint`),
  ]
}

/** Status, media type and bytes of an answer; of a stream its first event. */
export async function answerOf(answer: LinkResponse): Promise<Exchange['answer']> {
  const type = answer.headers['content-type'] ?? ''
  if ('body' in answer) return { status: answer.status, type, body: Buffer.from(answer.body).toString('base64') }
  for await (const chunk of answer.stream)
    return { status: answer.status, type, body: Buffer.from(chunk).toString('base64') }
  return { status: answer.status, type, body: '' }
}
