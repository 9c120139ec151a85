/** What went wrong: an error, too slow, no end, too much memory for one input, memory that stays, or the worker's end. */
export type FindingKind = 'error' | 'slow' | 'hang' | 'memory' | 'leak' | 'crash'

/** Something that an input brought about and that must not happen. */
export interface Finding {
  target: string
  kind: FindingKind
  /** One line. */
  message: string
  stack?: string
  /** Findings with one signature have one cause, as far as can be told. */
  signature: string
  input: Uint8Array
}

/** The finding of an error that went through. */
export function errorFinding(target: string, error: unknown, input: Uint8Array): Finding {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const [first = ''] = message.split('\n')
  const place = /\((?:file:\/\/)?[^()]*?((?:src|tests)\/[^()]*?\.ts:\d+)/.exec(stack ?? '')?.[1] ?? ''
  // Values differ from input to input; what stands before the first of them names the fault.
  const general = (first.split(' | ')[0] ?? '').replaceAll(/["'`][^"'`]*["'`]|\d+/g, '#').slice(0, 80)
  return {
    target,
    kind: 'error',
    message: `${name}: ${first.slice(0, 1_500)}`,
    ...(stack === undefined ? {} : { stack: stack.split('\n').slice(0, 12).join('\n') }),
    signature: `error ${name} ${general} ${place}`,
    input: Uint8Array.from(input),
  }
}

/** A finding about what an input costs. */
export function costFinding(
  target: string,
  kind: Exclude<FindingKind, 'error'>,
  message: string,
  input: Uint8Array,
): Finding {
  return { target, kind, message, signature: kind, input: Uint8Array.from(input) }
}
