/** A query as text with the names of its parameters in order; `Row` is what it answers. */
export interface Statement<Row = unknown> {
  readonly text: string
  readonly parameters: readonly string[]
  /** Never present; carries the row type. */
  readonly row?: Row
}
