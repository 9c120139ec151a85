import type { Budget } from './budget.ts'

/**
 * Compiles the constant of LIKE: `%` stands for any run of characters, `_` for one, everything else for itself.
 * Both sides are compared in NFC and as a whole.
 *
 * @see STIX 2.1 section 9.6.1
 */
export function compileLike(constant: string, budget: Budget): (value: string) => boolean {
  const form = constant.normalize('NFC')
  if (!form.includes('_')) {
    const runs = form.split('%')
    const [head = '', tail = ''] = [runs[0], runs.at(-1)]
    if (runs.length === 1) return (value) => nfc(value) === form
    if (runs.length === 2) return (value) => startsAndEnds(nfc(value), head, tail)
    const [, middle = ''] = runs
    if (runs.length === 3 && head === '' && tail === '') return (value) => nfc(value).includes(middle)
  }
  const characters = Array.from(form)
  return (value) => glob(Array.from(nfc(value)), characters, budget)
}

/** The text in NFC; most text is ASCII, for which there is nothing to do. */
// oxlint-disable-next-line no-control-regex -- ASCII includes the control characters
export const nfc = (text: string) => (/^[\u0000-\u007f]*$/.test(text) ? text : text.normalize('NFC'))

const startsAndEnds = (text: string, head: string, tail: string) =>
  text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail)

/** Steps of a comparison between two looks at the budget. */
const STEPS_AT_ONCE = 1_024

/** On a mismatch only the latest `%` needs to give way, so that the cost is at most text × form. */
function glob(text: readonly string[], form: readonly string[], budget: Budget): boolean {
  let at = 0
  let formAt = 0
  let retryAt = 0
  let retryForm = -1
  let steps = 0
  while (at < text.length) {
    if (++steps === STEPS_AT_ONCE) {
      budget.spend(steps)
      steps = 0
    }
    const wanted = form[formAt]
    if (wanted === '%') {
      retryForm = ++formAt
      retryAt = at
    } else if (wanted === '_' || (wanted !== undefined && wanted === text[at])) {
      at++
      formAt++
    } else if (retryForm !== -1) {
      at = ++retryAt
      formAt = retryForm
    } else return false
  }
  budget.spend(steps)
  while (form[formAt] === '%') formAt++
  return formAt === form.length
}
