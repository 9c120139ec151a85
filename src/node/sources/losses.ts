/** What was not taken, by reason: how many, and a few of them. Its size is bounded, however much is lost. */
export type Losses = Record<string, { count: number; examples: { id: string; message: string }[] }>

/** Reasons told apart, examples of each, and characters of an example. */
const MAX_REASONS = 50
const MAX_EXAMPLES = 10
const ID_CHARS = 200
const MESSAGE_CHARS = 400
/** Reason under which further ones are counted. */
const OTHER = 'OTHER'

/** Adds a loss to a report. */
export function addLoss(losses: Losses, { id, code, message }: { id: string; code: string; message: string }): void {
  const isKnown = Object.hasOwn(losses, code)
  const reason = isKnown || Object.keys(losses).length < MAX_REASONS ? code : OTHER
  const row = (losses[reason] ??= { count: 0, examples: [] })
  row.count++
  if (row.examples.length >= MAX_EXAMPLES || row.examples.some((one) => one.id === id)) return
  row.examples.push({ id: id.slice(0, ID_CHARS), message: message.slice(0, MESSAGE_CHARS) })
}
