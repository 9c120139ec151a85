/** One server-sent event; comments (keepalives) come as an event without data. */
export interface StreamEvent {
  event: string
  id?: string
  data: string
}

/** Bytes of one server-sent event. @see docs/wire.md, Stream */
export function encodeEvent(event: StreamEvent): Uint8Array {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  return Buffer.from(`event: ${event.event}\n${id}data: ${event.data}\n\n`)
}

/** A comment that only shows that the stream lives. */
export const KEEPALIVE: Uint8Array = Buffer.from(': alive\n\n')

/** Bytes that came without the end of an event are more than the limit. */
export class StreamTooLong extends Error {}

/**
 * Events of a chunked stream, in order; an empty event for each comment. Data is always one line, as `encodeEvent`
 * writes it; anything else in the stream is ignored.
 * @throws StreamTooLong as soon as one event is longer than `maxBytes`
 */
export async function* parseEvents(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<StreamEvent> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let end = endOfEvent(held.at(-1), rest); end >= 0; end = endOfEvent(undefined, rest)) {
      yield toEvent(Buffer.concat([...held, rest.subarray(0, end)]).toString('utf8'))
      rest = rest.subarray(end)
      held = []
      size = 0
    }
    size += rest.length
    if (size > maxBytes) throw new StreamTooLong(`An event of the stream is longer than ${maxBytes} bytes`)
    if (rest.length > 0) held.push(rest)
  }
}

const NEWLINE = 0x0a

/** Offset behind the blank line that ends an event; -1 where there is none. The blank line may straddle two chunks. */
function endOfEvent(before: Buffer | undefined, rest: Buffer): number {
  if (before?.at(-1) === NEWLINE && rest[0] === NEWLINE) return 1
  const at = rest.indexOf('\n\n')
  return at < 0 ? -1 : at + 2
}

function toEvent(text: string): StreamEvent {
  const event: StreamEvent = { event: '', data: '' }
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) event.event = line.slice(7)
    else if (line.startsWith('id: ')) event.id = line.slice(4)
    else if (line.startsWith('data: ')) event.data = line.slice(6)
  }
  return event
}
