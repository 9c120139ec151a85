/** Makes a failing input small: first by JSON's structure where it is JSON, then by cutting out bytes. */

/** Whether a smaller input still fails in the same way. */
export type StillFails = (input: Uint8Array) => Promise<boolean>

/** The smallest input found that still fails, within so many tries and so much time. */
export async function shrink(
  input: Uint8Array,
  stillFails: StillFails,
  { tries = 1_500, ms = 8_000 }: { tries?: number; ms?: number } = {},
): Promise<Uint8Array> {
  const end = performance.now() + ms
  let left = tries
  let best = Uint8Array.from(input)
  const attempt = async (candidate: Uint8Array): Promise<boolean> => {
    if (left <= 0 || performance.now() > end || candidate.length >= best.length) return false
    left--
    if (!(await stillFails(candidate))) return false
    best = Uint8Array.from(candidate)
    return true
  }
  const isSpent = () => left <= 0 || performance.now() > end
  await shrinkJson(() => best, attempt, isSpent)
  await shrinkBytes(() => best, attempt, isSpent)
  return best
}

type Attempt = (candidate: Uint8Array) => Promise<boolean>

async function shrinkJson(best: () => Uint8Array, attempt: Attempt, isSpent: () => boolean): Promise<void> {
  for (let changed = true; changed && !isSpent();) {
    changed = false
    let root: unknown
    try {
      root = JSON.parse(Buffer.from(best()).toString())
    } catch {
      return
    }
    for (const candidate of smaller(root)) {
      if (isSpent()) return
      if (await attempt(Buffer.from(JSON.stringify(candidate)))) {
        changed = true
        break
      }
    }
  }
}

/** The value with one part left out, lifted or made plain; large parts first. */
function* smaller(value: unknown): Generator<unknown> {
  if (typeof value === 'string' && value.length > 1) {
    yield value.slice(0, value.length >> 1)
    yield value.slice(value.length >> 1)
  }
  if (typeof value !== 'object' || value === null) return
  const entries = Object.entries(value)
  const build = (kept: readonly (readonly [string, unknown])[]) =>
    Array.isArray(value) ? kept.map(([, item]) => item) : Object.fromEntries(kept)
  if (entries.length > 3) {
    yield build(entries.slice(0, entries.length >> 1))
    yield build(entries.slice(entries.length >> 1))
  }
  for (const [, inner] of entries) if (typeof inner === 'object' && inner !== null) yield inner
  for (let at = 0; at < entries.length; at++) yield build(entries.toSpliced(at, 1))
  for (const [at, [name, inner]] of entries.entries())
    for (const less of smaller(inner)) yield build(entries.with(at, [name, less]))
}

async function shrinkBytes(best: () => Uint8Array, attempt: Attempt, isSpent: () => boolean): Promise<void> {
  for (let size = best().length >> 1; size >= 1 && !isSpent(); size >>= 1)
    for (let at = 0; at < best().length && !isSpent();) {
      const bytes = best()
      const candidate = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
      if (!(await attempt(candidate))) at += size
    }
}
