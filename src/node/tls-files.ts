import { readFile } from 'node:fs/promises'
import type { TlsFiles } from './config.ts'

/** What a node serves TLS with. */
export async function serverTls({ certFile, keyFile, clientCaFile }: TlsFiles) {
  const [cert, key] = [await readFile(certFile), await readFile(keyFile)]
  return { cert, key, ...(clientCaFile === undefined ? {} : { clientCa: await readFile(clientCaFile) }) }
}

/** What the node shows to a peer that asks for a certificate. */
export async function clientCertificate(tls: TlsFiles | undefined): Promise<{ cert?: Buffer; key?: Buffer }> {
  if (!tls) return {}
  const { clientCertFile = tls.certFile, clientKeyFile = tls.keyFile } = tls
  return { cert: await readFile(clientCertFile), key: await readFile(clientKeyFile) }
}
