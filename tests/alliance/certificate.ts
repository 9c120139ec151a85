// A certificate for 127.0.0.1 that is its own authority, made anew for each run: Node signs, but does not make them.
import { createSign, generateKeyPairSync } from 'node:crypto'

const SEQUENCE = 0x30
const DAY_MS = 86_400_000

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const size = body.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const oid = (...bytes: number[]) => der(0x06, Buffer.from(bytes))
const ECDSA_SHA256 = der(SEQUENCE, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const utcTime = (ms: number) =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))

function name(text: string): Buffer {
  const commonName = der(SEQUENCE, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(text)))
  return der(SEQUENCE, der(0x31, commonName))
}

/** Extensions: an authority, for the address 127.0.0.1. */
function extensions(): Buffer {
  const authority = der(
    SEQUENCE,
    oid(0x55, 0x1d, 0x13),
    der(0x01, Buffer.from([0xff])),
    der(0x04, der(SEQUENCE, der(0x01, Buffer.from([0xff])))),
  )
  const address = der(SEQUENCE, der(0x87, Buffer.from([127, 0, 0, 1])))
  return der(0xa3, der(SEQUENCE, authority, der(SEQUENCE, oid(0x55, 0x1d, 0x11), der(0x04, address))))
}

const pem = (bytes: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${(
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END CERTIFICATE-----\n`

/** Certificate and key, PEM, valid for a day around now. */
export function loopbackCertificate(): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const who = name('Noroshi test authority')
  const body = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_SHA256,
    who,
    der(SEQUENCE, utcTime(Date.now() - DAY_MS), utcTime(Date.now() + DAY_MS)),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(),
  )
  const signature = createSign('sha256').update(body).sign(privateKey)
  const cert = pem(der(SEQUENCE, body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature)))
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}
