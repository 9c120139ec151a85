import type { StatusDetail } from '../resources.ts'

/** A count; undefined where it is null or absent, as in OpenCTI's status of a submission that it could not read. */
export const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

/**
 * Failures of a submission of so many objects, also of a server that counts them without naming them, or leaves members
 * out of their rows.
 * @see https://github.com/OpenCTI-Platform/opencti/issues/11433, https://github.com/OpenCTI-Platform/opencti/issues/11435
 */
export function failuresOf(status: Record<string, unknown>, objects: number): StatusDetail[] {
  const listed = Array.isArray(status['failures']) ? (status['failures'] as unknown[]) : []
  const failures = listed.map((row): StatusDetail => {
    if (typeof row === 'string') return { id: row, version: '' }
    const { id, version, message } = (row ?? {}) as Record<string, unknown>
    return {
      id: typeof id === 'string' ? id : 'unknown',
      version: typeof version === 'string' ? version : '',
      ...(typeof message === 'string' ? { message } : {}),
    }
  })
  const unnamed = Math.min(countOf(status['failure_count']) ?? 0, objects) - failures.length
  for (let i = 0; i < unnamed; i++) failures.push({ id: 'unknown', version: '', message: 'not named by the server' })
  return failures
}
