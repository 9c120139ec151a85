import type { Json, JsonObject, LogId, MemberId, Millis } from '#base'
import { sha256Hex, utf8 } from '#base'
import type { Change, Store } from '#store'

const COLLECTION = 'tasks'
/** Ids that one task names; it counts the others. */
const NAMED_MOST = 100
/** Hex characters of a task's id. */
const ID_LENGTH = 12

/** What a task is about. */
export type TaskKind = 'rendition' | 'republication' | 'mention' | 'submission' | 'embargo' | 'quarantine' | 'export'

/** What was taken back. */
export interface TaskSubject {
  author: MemberId
  log: LogId
  index: number
  /** Of the object. */
  id: string
  reason: string
}

/** Something that a recall does not settle by itself, for a person. */
export interface Task {
  id: string
  time: Millis
  kind: TaskKind
  /** What has to be done, in a sentence. */
  why: string
  /** STIX type of what it names, where these are objects. */
  type?: string
  /** What may repeat what was taken back: ids of objects or of cases, the first hundred. */
  named: string[]
  count: number
  recalled: TaskSubject
  done?: Millis
}

/** A task before it is kept. */
export type NewTask = Pick<Task, 'kind' | 'why' | 'recalled' | 'type'> & { named: readonly string[] }

/** What waits for a person at this node, kept until somebody says that it is done. */
export class Tasks {
  readonly #store: Store
  readonly #now: () => Millis

  constructor(store: Store, now: () => Millis) {
    this.#store = store
    this.#now = now
  }

  /** Oldest first; with those that are done only where they are asked for. */
  async list(isWhole: boolean): Promise<Task[]> {
    const tasks: Task[] = []
    for await (const { value } of this.#store.records(COLLECTION)) {
      const task = value as unknown as Task
      if (isWhole || task.done === undefined) tasks.push(task)
    }
    return tasks.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1))
  }

  /** Marks a task as done; undefined where there is none. */
  async finish(id: string): Promise<Task | undefined> {
    const known = (await this.#store.record<JsonObject>(COLLECTION, id)) as unknown as Task | undefined
    if (!known || known.done !== undefined) return known
    const done: Task = { ...known, done: this.#now() }
    await this.#store.commit([{ op: 'put', collection: COLLECTION, key: id, value: done as unknown as Json }])
    return done
  }

  /** Changes that keep tasks; the same task is kept once, also when it was done since. */
  changesOf(tasks: readonly NewTask[]): Change[] {
    return tasks.map((fresh) => {
      const { kind, type = '', recalled, named, ...rest } = fresh
      const id = sha256Hex(utf8([recalled.log, recalled.index, kind, type].join('\n'))).slice(0, ID_LENGTH)
      const value: Task = {
        id,
        time: this.#now(),
        kind,
        ...(type === '' ? {} : { type }),
        ...rest,
        named: named.slice(0, NAMED_MOST),
        count: named.length,
        recalled,
      }
      return { op: 'put', collection: COLLECTION, key: id, value: value as unknown as Json, ifAbsent: true }
    })
  }
}
