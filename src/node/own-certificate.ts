import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import type { RunningNode } from './data-directory.ts'

/** TLS options under which a node is recognised by its own certificate, whatever address it answers at. */
export interface PinnedTls extends SecureContextOptions {
  checkServerIdentity: () => undefined
}

/** How this machine's commands recognise the node of a data directory; undefined where it serves without TLS. */
export async function pinnedTls({ certFile }: Pick<RunningNode, 'certFile'>): Promise<PinnedTls | undefined> {
  if (certFile === undefined) return undefined
  // The certificate names the public address, not this machine's: whoever answers must have that very certificate.
  return { ca: await readFile(certFile), allowPartialTrustChain: true, checkServerIdentity: () => undefined }
}
