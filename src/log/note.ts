/**
 * Signed notes: a text, an empty line, and one line `— <name> <base64 of key hash and signature>` for each signature.
 * @see https://c2sp.org/signed-note
 */
import { concat, fromBase64, fromHex, fromUtf8, sha256, toBase64, toHex, utf8 } from '#base'
import { LogError } from './error.ts'
import { type Signer, verifySignature } from './keys.ts'

/** Largest note, in characters. */
export const NOTE_MAX_CHARS = 65_536
/** Most signature lines. */
const NOTE_MAX_SIGNATURES = 100
const ED25519 = Uint8Array.of(1)
const NEWLINE = Uint8Array.of(0x0a)
const LINE = /^— ([^ +\p{White_Space}]+) ([A-Za-z0-9+/]+={0,2})$/u
// oxlint-disable-next-line no-control-regex -- the note format names exactly these
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/** Name and Ed25519 key under which a note must be signed. */
export interface NoteVerifier {
  name: string
  /** 32 raw bytes. */
  publicKey: Uint8Array
}

/**
 * A note of the text, which must end in a newline, with one signature.
 * @throws LogError NOTE_INVALID
 */
export function signNote(text: string, name: string, signer: Signer): string {
  if (!isNoteText(text)) throw invalid('The text of a note must end in a newline and hold no other control character')
  if (!LINE.test(`— ${name} AA==`)) throw invalid('The name of a key must not be empty or hold spaces or "+"')
  const signature = concat(keyHash(name, signer.publicKey), signer.sign(utf8(text)))
  return `${text}\n— ${name} ${toBase64(signature)}\n`
}

/**
 * The text of a note, when it is signed under the expected name and key. Lines of other keys are ignored; a bad line
 * under the expected name and key hash rejects the note.
 * @throws LogError NOTE_INVALID, KEY_INVALID
 */
export function openNote(note: string, verifier: NoteVerifier): string {
  if (note.length > NOTE_MAX_CHARS) throw invalid(`A note has at most ${NOTE_MAX_CHARS} characters`)
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) throw invalid('A note is a text, an empty line and signature lines')
  const text = note.slice(0, split + 1)
  const lines = note.slice(split + 2, -1).split('\n')
  if (!isNoteText(text)) throw invalid('The note holds control characters or half a surrogate pair')
  if (lines.length > NOTE_MAX_SIGNATURES) throw invalid(`A note has at most ${NOTE_MAX_SIGNATURES} signatures`)
  const expected = toHex(keyHash(verifier.name, verifier.publicKey))
  let signed = false
  for (const line of lines) {
    const [name, bytes] = readLine(line)
    if (name !== verifier.name || toHex(bytes.subarray(0, 4)) !== expected) continue
    if (!verifySignature(verifier.publicKey, utf8(text), bytes.subarray(4)))
      throw invalid(`The signature of ${name} does not hold`)
    signed = true
  }
  if (!signed) throw invalid(`The note is not signed by ${verifier.name} with the expected key`)
  return text
}

/**
 * Reads a verifier key: `<name>+<key hash in hex>+<base64 of 0x01 and the key>`.
 * @throws LogError NOTE_INVALID
 */
export function parseVerifierKey(text: string): NoteVerifier {
  const [, name = '', hash = '', encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+(.*)$/.exec(text) ?? []
  const bytes = decoded(encoded, 33)
  const publicKey = bytes.slice(1)
  if (bytes[0] !== 1) throw invalid('The verifier key is not of type Ed25519')
  if (toHex(keyHash(name, publicKey)) !== toHex(fromHex(hash))) throw invalid('The hash in the verifier key is wrong')
  return { name, publicKey }
}

/** First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key). */
export function keyHash(name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(utf8(name), NEWLINE, ED25519, publicKey).slice(0, 4)
}

function readLine(line: string): [name: string, bytes: Uint8Array] {
  const [, name, encoded] = LINE.exec(line) ?? []
  if (name === undefined || encoded === undefined) throw invalid('A signature line has not the form of a signed note')
  const bytes = decoded(encoded)
  if (bytes.length < 5) throw invalid('A signature line is too short')
  return [name, bytes]
}

function decoded(text: string, length?: number): Uint8Array {
  try {
    return fromBase64(text, length)
  } catch (cause) {
    throw new LogError('NOTE_INVALID', 'A signature or key of the note is not canonical base64', { cause })
  }
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && !CONTROL.test(text) && text.isWellFormed() && fromUtf8(utf8(text)) === text
}

const invalid = (message: string) => new LogError('NOTE_INVALID', message)
