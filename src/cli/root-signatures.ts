import { canonicalJson, fromBase64, fromUtf8, type Hash, type JsonObject, parseJson, toBase64 } from '#base'
import type { Signer } from '#log'
import { NodeError, openRootSigner } from '#node'
import { UsageError } from './command.ts'
import type { NodeClient } from './node-client.ts'
import { readPassphrase } from './passphrase.ts'

const VOTE_PREFIX = 'noroshi/vote/v1\n'
/** Signatures that one operation may ask for. */
const ROUNDS = 8

/**
 * Runs an operation that needs the root key: the node says what is to be signed, this process opens the key from the data
 * directory, looks at what it signs, and hands over nothing but the signature. Where a person read one charter, `charter` is
 * its hash, and a vote for any other one is not signed.
 */
export async function withRootSignatures<T>(
  node: NodeClient,
  path: string,
  body: object,
  alliance: string,
  options: { charter?: Hash; passphrase?: () => Promise<string> } = {},
): Promise<T> {
  const { charter, passphrase = () => readPassphrase('Passphrase of the root key') } = options
  if (node.dir === undefined)
    throw new UsageError(
      'This signs with the root key, which is in the data directory: run it on the node’s machine with --dir.',
    )
  const signatures: { bytes: string; sig: string }[] = []
  let time: number | undefined
  let root: Signer | undefined
  for (let round = 0; round < ROUNDS; round++) {
    let code = 0
    const answer = await node.post<T & { sign?: { bytes: string; key: string }; time?: number }>(
      path,
      { ...body, ...(time === undefined ? {} : { time, signatures }) },
      (status) => (code = status),
    )
    if (code !== 202 || answer.sign === undefined) return answer
    const bytes = fromBase64(answer.sign.bytes)
    assertVote(bytes, alliance, charter)
    root ??= await openRootSigner(node.dir, await passphrase(), answer.sign.key)
    signatures.push({ bytes: answer.sign.bytes, sig: toBase64(root.sign(bytes)) })
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
