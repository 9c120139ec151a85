import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import type { RunningNode } from './data-directory.ts'

/** TLS options under which a node is recognised by its own certificate, whatever address it answers at. */
export interface PinnedTls extends SecureContextOptions {
  checkServerIdentity: () => undefined
}

/** How this machine's commands recognise the node of a data directory; undefined where it serves without TLS. */
export async function pinnedTls({ certFile, keyFile }: Files): Promise<PinnedTls | undefined> {
  if (certFile === undefined) return undefined
  const cert = await readFile(certFile)
  const shown = keyFile === undefined ? {} : { cert, key: await readFile(keyFile) }
  // The certificate names the public address, not this machine's: whoever answers must have that very certificate.
  return { ca: cert, ...shown, allowPartialTrustChain: true, checkServerIdentity: () => undefined }
}

type Files = Pick<RunningNode, 'certFile' | 'keyFile'>
