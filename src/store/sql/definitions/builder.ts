import { type Compilable, DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { Statement } from '../statement.ts'
import type { Tables } from '../tables.ts'

/** Query builder that only ever compiles: queries become text before the program runs. */
export const sqlBuilder = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

class Parameter {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** A named place for a value, to be given in the order in which the names stand in the query. */
export function parameter<T>(name: string): T {
  return new Parameter(name) as T
}

/** Compiles a query whose every value is a `parameter`. */
export function toStatement<Row>(query: Compilable<Row>): Statement<Row> {
  const compiled = query.compile()
  const parameters = compiled.parameters.map((value) => (value instanceof Parameter ? value.name : `=${String(value)}`))
  const constant = parameters.find((name) => name.startsWith('='))
  if (constant)
    throw new TypeError(`The query has the constant ${constant} where a parameter should be: ${compiled.sql}`)
  return { text: compiled.sql, parameters }
}
