import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Statement } from '../sql/statement.ts'

/** How long a statement waits for SQLite's own short locks. */
const BUSY_TIMEOUT_MS = 10_000

/** One SQLite connection that prepares each statement once. */
export class Connection implements Disposable {
  readonly db: DatabaseSync
  readonly path: string
  readonly #prepared = new Map<Statement, StatementSync>()
  readonly #arrays = new Map<string, StatementSync>()

  constructor(path: string, options: { readOnly: boolean; cacheBytes: number }) {
    this.path = path
    this.db = new DatabaseSync(path, { readOnly: options.readOnly, timeout: BUSY_TIMEOUT_MS })
    this.db.exec(`pragma cache_size = ${-Math.ceil(options.cacheBytes / 1024)}; pragma temp_store = memory;`)
  }

  run(statement: Statement, ...values: SQLInputValue[]): number {
    return Number(this.#statement(statement).run(...values).changes)
  }

  get<Row>(statement: Statement<Row>, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(statement).get(...values) as Row | undefined
  }

  all<Row>(statement: Statement<Row>, ...values: SQLInputValue[]): Row[] {
    return this.#statement(statement).all(...values) as Row[]
  }

  iterate<Row>(statement: Statement<Row>, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.#statement(statement).iterate(...values) as IterableIterator<Row>
  }

  /** Rows as arrays, for hot paths: no object and no names are made. */
  arrays<Row extends unknown[]>(text: string, ...values: SQLInputValue[]): Row[] {
    return this.#arrayStatement(text).all(...values) as unknown as Row[]
  }

  /** Like `arrays`, row by row. */
  rows<Row extends unknown[]>(text: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.#arrayStatement(text).iterate(...values) as unknown as IterableIterator<Row>
  }

  /** Value of a pragma that answers one. */
  pragma(name: string): unknown {
    const row = this.db.prepare(`pragma ${name}`).get()
    return row && Object.values(row)[0]
  }

  /** Runs `read` on one unchanging state of the database. */
  snapshot<T>(read: () => T): T {
    if (this.db.isTransaction) return read()
    this.db.exec('begin')
    try {
      return read()
    } finally {
      if (this.db.isTransaction) this.db.exec('commit')
    }
  }

  [Symbol.dispose](): void {
    this.#prepared.clear()
    this.#arrays.clear()
    if (this.db.isOpen) this.db.close()
  }

  #arrayStatement(text: string): StatementSync {
    let prepared = this.#arrays.get(text)
    if (!prepared) {
      prepared = this.db.prepare(text)
      prepared.setReturnArrays(true)
      this.#arrays.set(text, prepared)
    }
    return prepared
  }

  #statement(statement: Statement): StatementSync {
    let prepared = this.#prepared.get(statement)
    if (!prepared) {
      prepared = this.db.prepare(statement.text)
      this.#prepared.set(statement, prepared)
    }
    return prepared
  }
}
