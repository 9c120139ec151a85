/** Bytes of one submission, where the server names no sensible limit: what most accept. */
const USUAL_BYTES = 8_388_608
const LEAST_BYTES = 1_024

/**
 * `max_content_length` that is absent, no number, or 20 gigabytes, as OpenTAXII's sample configuration has it.
 * @see https://github.com/eclecticiq/OpenTAXII/issues/281
 */
export function submissionBytes(maxContentLength: unknown): number {
  const named = typeof maxContentLength === 'string' ? Number(maxContentLength) : maxContentLength
  return typeof named === 'number' && named >= LEAST_BYTES ? Math.min(named, USUAL_BYTES) : USUAL_BYTES
}
