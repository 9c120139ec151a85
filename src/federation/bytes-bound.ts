/** More bytes came than the limit allows. */
export class BodyTooLong extends Error {}

/**
 * All chunks as one array.
 * @throws BodyTooLong as soon as there are more than `maxBytes`, without reading on
 */
export async function readBounded(body: Uint8Array | AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.length > maxBytes) throw new BodyTooLong(`The body has ${body.length} bytes, at most ${maxBytes} are read`)
    return body
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new BodyTooLong(`The body has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}
