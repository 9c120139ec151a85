/**
 * `next` as a number (an offset), as an empty text, or absent although `more` is true; then the time of the last row goes
 * on. @see https://github.com/OpenCTI-Platform/opencti/issues/5681
 */
export function nextOf(envelope: { next?: unknown }): string | undefined {
  const { next } = envelope
  if (typeof next === 'number') return String(next)
  return typeof next === 'string' && next !== '' ? next : undefined
}
