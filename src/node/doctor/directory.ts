import { stat } from 'node:fs/promises'
import type { Millis } from '#base'
import { type DataDirectory, readDataDirectory } from '../data-directory.ts'
import { ERRORS, toNodeError } from '../errors.ts'
import { fail, type Finding, ok, warn } from './finding.ts'

/** A delegation that ends sooner is worth a word: the alliances have to vote for the next one. */
const DELEGATION_SOON_MS = 30 * 86_400_000
const DAY_MS = 86_400_000

/** Whether the data directory can be read, by its owner alone, and its keys belong together. */
export async function lookAtDirectory(dir: string): Promise<{ findings: Finding[]; data?: DataDirectory }> {
  let data: DataDirectory
  try {
    data = await readDataDirectory(dir)
  } catch (error) {
    const { code, message } = toNodeError(error)
    return { findings: [fail('data directory', message, ERRORS[code][1])] }
  }
  const { mode } = await stat(dir)
  const isOpen = (mode & 0o077) !== 0
  const what = `${dir} holds the node of ${data.config.slug}`
  return {
    data,
    findings: [
      isOpen
        ? warn('data directory', `${what}, and others on this machine may look into it`, `chmod 700 ${dir}`)
        : ok('data directory', what),
    ],
  }
}

/** How long the keys that the root key delegated still count. */
export function lookAtKeys({ delegations }: DataDirectory, now: Millis): Finding[] {
  const untils = new Map<string, number>()
  for (const { statement } of delegations) {
    const { purpose, until } = statement as { purpose?: unknown; until?: unknown }
    if (typeof purpose === 'string' && typeof until === 'number')
      untils.set(purpose, Math.max(until, untils.get(purpose) ?? 0))
  }
  return [...untils].map(([purpose, until]) => {
    const days = Math.floor((until - now) / DAY_MS)
    const next = 'Make a new key before it ends, with the root key and its passphrase: noroshi alliance rekey'
    if (until <= now) return fail('keys', `the delegation of the ${purpose} key ended ${-days} days ago`, next)
    const what = `the ${purpose} key counts for ${days} more days`
    return until - now < DELEGATION_SOON_MS ? warn('keys', what, next) : ok('keys', what)
  })
}
