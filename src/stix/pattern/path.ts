import { ANY_ITEM, type PathStep } from './ast.ts'
import type { Budget } from './budget.ts'

/** Finds the object that a reference names, among those that came with the observation. */
export type Resolve = (reference: string) => unknown

/** Whether some value that the path leads to, starting from an SCO, satisfies the test it was compiled with. */
export type PathTest = (start: unknown, resolve: Resolve) => boolean

/**
 * Compiles an object path: keys, indices into lists, `[*]`, and references, which are followed where a key comes
 * after a property whose name ends in `_ref` or `_refs`. A property named `…_bin` or `…_hex` is tested as its bytes.
 *
 * @see STIX 2.1 section 9.7
 */
export function compilePath(
  path: readonly PathStep[],
  test: (value: unknown, binary: boolean) => boolean,
  budget: Budget,
): PathTest {
  const decode = decoderOf(path)
  let rest: PathTest = (value) => finish(value, decode, test)
  for (let at = path.length - 1; at >= 0; at--) rest = compileStep(path, at, rest, budget)
  return rest
}

type Decode = (text: string) => string | undefined

function finish(
  value: unknown,
  decode: Decode | undefined,
  test: (value: unknown, binary: boolean) => boolean,
): boolean {
  if (value === undefined) return false
  if (!decode || typeof value !== 'string') return test(value, false)
  const bytes = decode(value)
  return bytes === undefined ? test(value, false) : test(bytes, true)
}

function compileStep(path: readonly PathStep[], at: number, rest: PathTest, budget: Budget): PathTest {
  const step = path[at]
  if (step === ANY_ITEM) {
    return (value, resolve) => {
      if (!Array.isArray(value)) return false
      for (const item of value) {
        budget.spend()
        if (rest(item, resolve)) return true
      }
      return false
    }
  }
  if (typeof step === 'number') return (value, resolve) => Array.isArray(value) && rest(value[step], resolve)
  if (step === undefined) return rest
  const inherited = step in Object.prototype
  const read: PathTest = (value, resolve) => {
    if (!isRecord(value)) return false
    return rest(inherited && !Object.hasOwn(value, step) ? undefined : value[step], resolve)
  }
  if (!afterReference(path, at)) return read
  return (value, resolve) => read(typeof value === 'string' ? resolve(value) : value, resolve)
}

/** A JSON object. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function afterReference(path: readonly PathStep[], at: number): boolean {
  const before = path[at - 1]
  if (typeof before === 'string') return before.endsWith('_ref')
  const list = path[at - 2]
  return before !== undefined && typeof list === 'string' && list.endsWith('_refs')
}

function decoderOf(path: readonly PathStep[]): Decode | undefined {
  const name = path.findLast((step) => typeof step === 'string')
  if (name?.endsWith('_hex')) return (text) => decoded(text, HEX, 'hex')
  if (name?.endsWith('_bin')) return (text) => decoded(text, BASE64, 'base64')
  return undefined
}

const HEX = /^(?:[0-9a-fA-F]{2})*$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const decoded = (text: string, form: RegExp, encoding: 'hex' | 'base64') =>
  form.test(text) ? Buffer.from(text, encoding).toString('latin1') : undefined
