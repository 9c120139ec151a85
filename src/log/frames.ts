/**
 * Entries on the wire: `u32 length | entry`, or for an entry held only as its leaf hash `u32 0xFFFFFFFF | leaf hash`.
 * @see docs/wire.md, Frames
 */
import { createHash, type Hash as Hasher } from 'node:crypto'
import { type Hash, type LogId, type MemberId, sha256Hex, utf8 } from '#base'
import { ENTRY_HEADER_BYTES, PAYLOAD_MAX_BYTES } from './entry.ts'
import { LogError } from './error.ts'
import { domain } from './keys.ts'

/** An entry's bytes, or its leaf hash where only that is held; `isOversized`: its bytes came, and were more than may be kept. */
export type Frame = { bytes: Uint8Array } | { leaf: Uint8Array; isOversized?: true }

/** Largest entry that is kept whole, in bytes. */
export const ENTRY_MAX_BYTES: number = ENTRY_HEADER_BYTES + PAYLOAD_MAX_BYTES
const STUB = 0xffffffff

/** The bytes of one frame. @throws LogError FRAME_INVALID */
export const encodeFrame = (frame: Frame): Uint8Array => encodeFrames([frame])

/** The bytes of several frames, one after the other. @throws LogError FRAME_INVALID */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  let length = 0
  for (const frame of frames) length += 4 + ('bytes' in frame ? frame.bytes.length : frame.leaf.length)
  const out = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const frame of frames) {
    const body = 'bytes' in frame ? frame.bytes : frame.leaf
    if (!('bytes' in frame) && body.length !== 32) throw invalid(`A leaf hash has 32 bytes, not ${body.length}`)
    at = out.writeUInt32BE('bytes' in frame ? body.length : STUB, at)
    out.set(body, at)
    at += body.length
  }
  return new Uint8Array(out.buffer)
}

/**
 * The frame that begins at a byte of a buffer, and where the next one begins.
 * @throws LogError FRAME_INVALID when it is cut, or larger than any entry
 */
export function readFrame(bytes: Uint8Array, at: number): { frame: Frame; end: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = at + 4 <= view.length ? view.readUInt32BE(at) : -1
  const end = at + 4 + (length === STUB ? 32 : length)
  if (length < 0 || end > view.length) throw invalid('The bytes end in the middle of a frame')
  if (length !== STUB && length > ENTRY_MAX_BYTES) throw invalid(`A frame of ${length} bytes is larger than any entry`)
  const body = bytes.slice(at + 4, end)
  return { frame: length === STUB ? { leaf: body } : { bytes: body }, end }
}

/**
 * All frames of a complete body.
 * @throws LogError FRAME_INVALID
 */
export function decodeFrames(bytes: Uint8Array): Frame[] {
  const decoder = new FrameDecoder()
  const frames = decoder.push(bytes)
  decoder.end()
  return frames
}

/**
 * Reads frames from chunks as they arrive. It holds at most one entry; one that is larger than accepted passes through
 * the hash and comes out as its leaf hash, so that a log with such an entry can still be followed.
 */
export class FrameDecoder {
  private readonly pending = Buffer.allocUnsafe(4)
  private have = 0
  /** What is being read: the length, an entry, a leaf hash, or an entry too large to keep. */
  private target: Buffer = this.pending
  private stub = false
  private oversized: { hasher: Hasher; left: number } | undefined

  /** Frames that the chunk completes; those that lie in it whole share its memory. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = []
    let at = this.isBetween() ? wholeFrames(chunk, frames) : 0
    while (at < chunk.length || this.isComplete()) {
      if (this.oversized) at += this.skip(this.oversized, chunk.subarray(at), frames)
      else {
        const take = Math.min(this.target.length - this.have, chunk.length - at)
        this.target.set(chunk.subarray(at, at + take), this.have)
        this.have += take
        at += take
        if (this.isComplete()) this.complete(frames)
      }
    }
    return frames
  }

  /** Says that no more bytes come. @throws LogError FRAME_INVALID when a frame is cut */
  end(): void {
    if (!this.isBetween()) throw invalid('The body ends in the middle of a frame; ask for the entries again')
  }

  private isBetween(): boolean {
    return this.have === 0 && this.target === this.pending && !this.oversized
  }

  private isComplete(): boolean {
    return !this.oversized && this.have === this.target.length
  }

  private complete(frames: Frame[]): void {
    if (this.target === this.pending) {
      const length = this.pending.readUInt32BE()
      this.stub = length === STUB
      if (!this.stub && length > ENTRY_MAX_BYTES)
        this.oversized = { hasher: createHash('sha256').update(Uint8Array.of(0)), left: length }
      else this.target = Buffer.allocUnsafeSlow(this.stub ? 32 : length)
      this.have = 0
      return
    }
    const body = new Uint8Array(this.target.buffer, 0, this.target.length)
    frames.push(this.stub ? { leaf: body } : { bytes: body })
    this.target = this.pending
    this.have = 0
  }

  private skip(oversized: { hasher: Hasher; left: number }, chunk: Uint8Array, frames: Frame[]): number {
    const take = Math.min(oversized.left, chunk.length)
    oversized.hasher.update(chunk.subarray(0, take))
    oversized.left -= take
    if (oversized.left === 0) {
      frames.push({ leaf: new Uint8Array(oversized.hasher.digest()), isOversized: true })
      this.oversized = undefined
    }
    return take
  }
}

/** Takes frames off the front of a chunk for as long as they lie in it whole; answers where that ends. */
function wholeFrames(chunk: Uint8Array, frames: Frame[]): number {
  const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  let at = 0
  while (at + 4 <= view.length) {
    const length = view.readUInt32BE(at)
    const isStub = length === STUB
    const end = at + 4 + (isStub ? 32 : length)
    if (end > view.length || (!isStub && length > ENTRY_MAX_BYTES)) break
    const body = new Uint8Array(chunk.buffer, chunk.byteOffset + at + 4, end - at - 4)
    frames.push(isStub ? { leaf: body } : { bytes: body })
    at = end
  }
  return at
}

/** Proof that a member holds entries of a log: the hash over their frames, bound to member and log. */
export function possession(member: MemberId, log: LogId, frames: Iterable<Frame>): Hash {
  const prover = new Possession(member, log)
  prover.add([...frames])
  return prover.digest()
}

/** `possession` in steps, for ranges too large to hold. */
export class Possession {
  private readonly hasher: Hasher

  constructor(member: MemberId, log: LogId) {
    this.hasher = createHash('sha256')
      .update(domain('possession'))
      .update(utf8(`${member}\n${log}`))
  }

  /** Adds the next entries. */
  add(frames: readonly Frame[]): void {
    this.hasher.update(encodeFrames(frames))
  }

  /** The proof; nothing can be added afterwards. */
  digest(): Hash {
    return this.hasher.digest('hex') as Hash
  }
}

/** Hash of any bytes under a domain name. @see docs/wire.md, General */
export function domainHash(name: string, bytes: Uint8Array): Hash {
  return sha256Hex(domain(name), bytes)
}

const invalid = (message: string) => new LogError('FRAME_INVALID', message)
