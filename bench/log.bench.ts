import { type JsonObject, parseJson, utf8 } from '#base'
import {
  decodeEntry,
  encodeEntry,
  encodeFrame,
  Frontier,
  FrameDecoder,
  leafHash,
  signStatement,
  toSigner,
  verifyStatement,
} from '#log'
import { type Bench, cpuSeconds } from './bench.ts'

const ENTRIES = 50_000
const STATEMENTS = 2_000

/** Entries like small indicators, 575 bytes of JSON on average in public data. */
function payloads(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const indicator: JsonObject = {
      type: 'indicator',
      spec_version: '2.1',
      id: `indicator--00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      created: '2026-01-01T00:00:00.000Z',
      modified: '2026-01-01T00:00:00.000Z',
      name: `Address ${i} of a relay network`,
      description: 'Seen as the last hop before the targets. '.repeat(6),
      indicator_types: ['malicious-activity'],
      pattern: `[ipv4-addr:value = '198.51.${(i >> 8) & 255}.${i & 255}']`,
      pattern_type: 'stix',
      valid_from: '2026-01-01T00:00:00Z',
    }
    return utf8(JSON.stringify(indicator))
  })
}

/** The cost of the wire format itself, without disk and network. */
export const benches: Bench[] = [
  {
    name: 'log-json',
    what: 'strict JSON parse of STIX objects of 575 bytes',
    unit: 'objects/s',
    target: 300_000,
    better: 'higher',
    per: 'cpu',
    prepare: async () => {
      const texts = payloads(ENTRIES)
      return { sample: async () => ENTRIES / (await cpuSeconds(() => texts.forEach((text) => parseJson(text)))) }
    },
  },
  {
    name: 'log-verify',
    what: 'entries of a first sync: frames, strict decoding, leaf hash, frontier',
    unit: 'entries/s',
    target: 50_000,
    better: 'higher',
    per: 'cpu',
    prepare: async () => {
      const salt = new Uint8Array(32)
      const frames = payloads(ENTRIES).map((payload, time) =>
        encodeFrame({ bytes: encodeEntry({ kind: 1, salt, time, payload }) }),
      )
      const body = Buffer.concat(frames)
      const run = () => {
        const tree = new Frontier()
        const decoder = new FrameDecoder()
        for (let at = 0; at < body.length; at += 65_536) {
          for (const frame of decoder.push(body.subarray(at, at + 65_536))) {
            if (!('bytes' in frame)) continue
            decodeEntry(frame.bytes)
            tree.append(leafHash(frame.bytes))
          }
        }
        tree.root()
      }
      return { sample: async () => ENTRIES / (await cpuSeconds(run)) }
    },
  },
  {
    name: 'log-statement',
    what: 'sign and verify a receipt',
    unit: 'statements/s',
    target: 3_000,
    better: 'higher',
    per: 'cpu',
    prepare: async () => {
      const signer = toSigner(new Uint8Array(32).fill(1))
      const hash = 'ab'.repeat(32)
      const run = () => {
        for (let i = 0; i < STATEMENTS; i++) {
          const member = 'identity--b5d57dc4-1ab3-5e3c-9900-dc48cae238bf'
          const fields = { member, log: hash, from: i, size: i + 1, root: hash, possession: hash, stubs: [], time: i }
          const envelope = signStatement('received', fields, [signer])
          verifyStatement(JSON.stringify(envelope), 'received', [signer.publicKey])
        }
      }
      return { sample: async () => STATEMENTS / (await cpuSeconds(run)) }
    },
  },
]
