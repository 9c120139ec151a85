import { canonicalJson, fromBase64, fromUtf8, type Hash, type JsonObject, parseJson, toBase64 } from '#base'
import type { Signer } from '#log'
import { NodeError, openRootSigner } from '#node'
import { UsageError } from './command.ts'
import type { NodeClient } from './node-client.ts'
import { readPassphrase } from './passphrase.ts'

const VOTE_PREFIX = 'noroshi/vote/v1\n'
/** Signatures that one operation may ask for. */
const ROUNDS = 8

/** A key of the data directory that a person's passphrase opens, and what it signs here, whatever a node may ask for. */
export interface Signing {
  /** As in "the root key". */
  name: string
  /** @throws NodeError where it signs no such thing */
  check(bytes: Uint8Array): void
  open(dir: string, keyId: string): Promise<Signer>
  /** How often the node may ask; absent: `ROUNDS`. */
  rounds?: number
}

/**
 * Runs an operation that needs the root key: the node says what is to be signed, this process opens the key from the data
 * directory, looks at what it signs, and hands over nothing but the signature. Where a person read one charter, `charter` is
 * its hash, and a vote for any other one is not signed.
 */
export function withRootSignatures<T>(
  node: NodeClient,
  path: string,
  body: object,
  alliance: string,
  options: { charter?: Hash; passphrase?: () => Promise<string> } = {},
): Promise<T> {
  const { charter, passphrase = () => readPassphrase('Passphrase of the root key') } = options
  return withSignatures(node, path, body, {
    name: 'the root key',
    check: (bytes) => assertVote(bytes, alliance, charter),
    open: async (dir, keyId) => openRootSigner(dir, await passphrase(), keyId),
  })
}

/** Runs an operation that needs a key which is not in the node's process: asked, signed, asked again. */
export async function withSignatures<T>(node: NodeClient, path: string, body: object, signing: Signing): Promise<T> {
  if (node.dir === undefined)
    throw new UsageError(
      `This signs with ${signing.name}, which is in the data directory: run it on the node’s machine with --dir.`,
    )
  const signatures: { bytes: string; sig: string }[] = []
  let time: number | undefined
  let signer: Signer | undefined
  for (let round = 0; round < (signing.rounds ?? ROUNDS); round++) {
    let code = 0
    const answer = await node.post<T & { sign?: { bytes: string; key: string }; time?: number }>(
      path,
      { ...body, ...(time === undefined ? {} : { time, signatures }) },
      (status) => (code = status),
    )
    if (code !== 202 || answer.sign === undefined) return answer
    const bytes = fromBase64(answer.sign.bytes)
    signing.check(bytes)
    signer ??= await signing.open(node.dir, answer.sign.key)
    signatures.push({ bytes: answer.sign.bytes, sig: toBase64(signer.sign(bytes)) })
    time = answer.time
  }
  throw new NodeError('ALLIANCE_REFUSED', 'The node keeps asking for signatures; stop it and look at its log.')
}

/** The root key signs votes of this alliance here, whatever a node may ask for. */
function assertVote(bytes: Uint8Array, alliance: string, charter: Hash | undefined): void {
  const text = fromUtf8(bytes)
  const isVote = text.startsWith(VOTE_PREFIX)
  const vote = isVote ? (parseJson(text.slice(VOTE_PREFIX.length)) as JsonObject) : {}
  if (
    isVote &&
    vote['type'] === 'vote' &&
    vote['alliance'] === alliance &&
    (charter === undefined || vote['charter'] === charter) &&
    canonicalJson(vote) === text.slice(VOTE_PREFIX.length)
  )
    return
  throw new NodeError(
    'ALLIANCE_REFUSED',
    'The node asked the root key to sign something other than that vote of this alliance; nothing was signed.',
  )
}
