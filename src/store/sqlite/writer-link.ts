import type { Worker } from 'node:worker_threads'
import type { MemberId } from '#base'
import { signCheckpoint, type Signer } from '#log'
import { StoreError } from '../errors.ts'
import type { Outcome } from '../store.ts'
import type { FromWriter, PackedError, ToWriter, UnsignedCheckpoint, WriterData } from './messages.ts'
import type { PackedList } from './pack.ts'
import { startThread } from './thread.ts'
import { packError } from './writer.ts'

/** Bytes of lists that may wait for the writer; beyond it callers are refused and must slow down. */
export const MAX_WAITING_BYTES = 512 * 1024 * 1024

interface Waiting {
  resolve: (outcomes: Outcome[]) => void
  reject: (error: StoreError) => void
  bytes: number
}

/** Hears which logs a commit changed, the highest sequence number of all that is committed, and of what resurfaced. */
type OnCommitted = (logs: readonly number[], last: number, resurfaced: number) => void

/** Main thread's end of the writer thread: hands it lists, signs its checkpoints, answers the callers. */
export class WriterLink implements AsyncDisposable {
  readonly #worker: Worker
  readonly #signer: { member: MemberId; key: Signer } | undefined
  readonly #onCommitted: OnCommitted
  readonly #waiting = new Map<number, Waiting>()
  readonly #opened = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  #waitingBytes = 0
  #lastId = 0
  #ended: StoreError | undefined

  private constructor(
    data: WriterData,
    signer: { member: MemberId; key: Signer } | undefined,
    onCommitted: OnCommitted,
  ) {
    this.#signer = signer
    this.#onCommitted = onCommitted
    this.#worker = startThread('./writer-thread.ts', data)
    this.#worker.on('message', (message: FromWriter) => this.#receive(message))
    this.#worker.on('error', (cause) =>
      this.#end(new StoreError('STORE_FAILED', 'The writer thread failed. Start the node again', { cause })),
    )
    this.#worker.on('exit', () => this.#end(new StoreError('STORE_CLOSED', 'The store is closed')))
  }

  /** Starts the thread and waits until it has the database open. */
  static async open(
    data: WriterData,
    signer: { member: MemberId; key: Signer } | undefined,
    onCommitted: OnCommitted,
  ): Promise<WriterLink> {
    const link = new WriterLink(data, signer, onCommitted)
    await link.#opened.promise
    // An open store that nobody uses does not keep its process alive; a waiting commit does.
    link.#worker.unref()
    return link
  }

  commit(list: PackedList, now: number): Promise<Outcome[]> {
    if (this.#ended) return Promise.reject(this.#ended)
    if (this.#waitingBytes + list.bytes > MAX_WAITING_BYTES && this.#waiting.size > 0)
      return Promise.reject(
        new StoreError('STORE_BUSY', 'Too much waits to be written. Wait for earlier commits, then repeat'),
      )
    const id = ++this.#lastId
    this.#waitingBytes += list.bytes
    if (this.#waiting.size === 0) this.#worker.ref()
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, bytes: list.bytes })
      this.#post({ kind: 'commit', id, now, changes: list.changes, buffer: list.buffer }, [list.buffer])
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.ref()
    if (!this.#ended) this.#post({ kind: 'close' })
    await this.#closed.promise
  }

  #receive(message: FromWriter): void {
    switch (message.kind) {
      case 'ready':
        this.#opened.resolve()
        break
      case 'refused':
        this.#end(unpackError(message.error))
        break
      case 'sign':
        this.#sign(message.checkpoints)
        break
      case 'done':
        this.#onCommitted(message.logs, message.last, message.resurfaced)
        for (const result of message.results) {
          const waiting = this.#waiting.get(result.id)
          this.#waiting.delete(result.id)
          this.#waitingBytes -= waiting?.bytes ?? 0
          if ('outcomes' in result) waiting?.resolve(result.outcomes)
          else waiting?.reject(unpackError(result.error))
        }
        if (this.#waiting.size === 0) this.#worker.unref()
        break
    }
  }

  #sign(checkpoints: readonly UnsignedCheckpoint[]): void {
    try {
      const signer = this.#signer
      if (!signer) throw new StoreError('STORE_NO_SIGNER', 'This store was opened without a key')
      const notes = checkpoints.map((checkpoint) =>
        signCheckpoint({ ...checkpoint, charters: [...checkpoint.charters] }, signer.member, signer.key),
      )
      this.#post({ kind: 'signed', notes, publicKey: signer.key.publicKey })
    } catch (cause) {
      const error =
        cause instanceof StoreError
          ? cause
          : new StoreError('STORE_BAD_CHANGE', `A checkpoint could not be signed: ${(cause as Error).message}`, {
              cause,
            })
      this.#post({ kind: 'unsigned', error: packError(error) })
    }
  }

  /** Whatever is still waiting was not acknowledged, and now never will be. */
  #end(error: StoreError): void {
    this.#ended ??= error
    this.#opened.reject(this.#ended)
    this.#opened.promise.catch(() => undefined)
    for (const { reject } of this.#waiting.values()) reject(this.#ended)
    this.#waiting.clear()
    this.#closed.resolve()
  }

  #post(message: ToWriter, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }
}

function unpackError({ code, message, details }: PackedError): StoreError {
  return new StoreError(code, message, { details })
}
