// The thread that writes: every list that waits goes into one transaction; it is answered after the sync.
import { parentPort, workerData } from 'node:worker_threads'
import { StoreError, toStoreError } from '../errors.ts'
import type { CommitRequest, FromWriter, Signed, ToWriter, UnsignedCheckpoint, WriterData } from './messages.ts'
import { openWriter } from './open-database.ts'
import { packError, Writer } from './writer.ts'

/** Changes that one transaction takes at most, so that nobody waits long for others; a single list may be longer. */
const MAX_GROUP_WEIGHT = 20_000

const { path, member, limits } = workerData as WriterData
const waiting: CommitRequest[] = []
let busy = false
let closing = false
let signing: { resolve: (signed: Signed) => void; reject: (error: unknown) => void } | undefined

const post = (message: FromWriter) => parentPort?.postMessage(message)

const writer = open()

parentPort?.on('message', (message: ToWriter) => {
  switch (message.kind) {
    case 'commit':
      waiting.push(message)
      break
    case 'signed':
      signing?.resolve({ notes: message.notes, publicKey: message.publicKey })
      return
    case 'unsigned':
      signing?.reject(new StoreError(message.error.code, message.error.message, { details: message.error.details }))
      return
    case 'close':
      closing = true
      break
  }
  if (!busy && writer) {
    busy = true
    // In a task of its own, so that all messages that have arrived are in the group.
    setImmediate(() => void work(writer))
  }
})

async function work(target: Writer): Promise<void> {
  while (waiting.length > 0) {
    const group = takeGroup()
    const answer = await target.commit(group)
    post({ kind: 'done', ...answer })
    // Freed now: a collector sees only small views, and would let tens of megabytes pile up behind them.
    for (const { buffer } of group) buffer.transfer(0)
    target.tidy()
    await new Promise((resolve) => setImmediate(resolve))
  }
  busy = false
  if (!closing) return
  target.close()
  post({ kind: 'closed' })
  parentPort?.close()
}

function takeGroup(): CommitRequest[] {
  let weight = 0
  let count = 0
  while (count < waiting.length && (count === 0 || weight < MAX_GROUP_WEIGHT)) weight += weightOf(waiting[count++])
  return waiting.splice(0, count)
}

function weightOf(request: CommitRequest | undefined): number {
  let weight = 0
  for (const change of request?.changes ?? []) weight += 'entries' in change ? 1 + change.entries.length : 1
  return weight
}

function open(): Writer | undefined {
  try {
    const connection = openWriter(path, limits?.maxPages)
    const opened = new Writer(connection, member, sign, limits?.walPages)
    post({ kind: 'ready' })
    return opened
  } catch (error) {
    post({ kind: 'refused', error: packError(toStoreError(error, path)) })
    parentPort?.close()
    return undefined
  }
}

function sign(checkpoints: UnsignedCheckpoint[]): Promise<Signed> {
  const signed = new Promise<Signed>((resolve, reject) => {
    signing = { resolve, reject }
  })
  post({ kind: 'sign', checkpoints })
  return signed
}
