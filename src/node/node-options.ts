import { fileURLToPath } from 'node:url'
import { fromBase64 } from '#base'
import { isLoopback, type NodeConfig } from './config.ts'
import { type DataDirectory, rootKeyOf } from './data-directory.ts'
import { NodeError } from './errors.ts'
import type { NodeOptions } from './node.ts'
import { isDemoKey } from './root-key.ts'
import { serverTls } from './tls-files.ts'

const WEB_ROOT = fileURLToPath(new URL('../../web/dist', import.meta.url))

/** The configuration as options override it. */
export function effectiveConfig(config: NodeConfig, options: NodeOptions): NodeConfig {
  return {
    ...config,
    listen: { host: options.host ?? config.listen.host, port: options.port ?? config.listen.port },
    ...(options.tls ? { tls: options.tls } : {}),
    ...(options.behindProxy === undefined ? {} : { behindProxy: options.behindProxy }),
  }
}

/** Keys that everybody knows open a node to everybody: only a rehearsal on this machine may use them. */
export function assertKeysFit({ config, nodeKey }: DataDirectory, options: NodeOptions): void {
  const isDemo = config.demo === true || isDemoKey(config.slug, nodeKey.publicKey, fromBase64(rootKeyOf(config)))
  if (!isDemo) return
  if (!options.rehearsal)
    throw new NodeError(
      'DEMO_KEYS',
      `${options.dir} holds a rehearsal's keys, which are public knowledge; this is not a rehearsal.`,
    )
  const host = options.host ?? config.listen.host
  if (!isLoopback(host))
    throw new NodeError('DEMO_KEYS', `A rehearsal's node listens on this machine alone, not on ${host}.`)
}

/** What the HTTP server is handed. */
export async function serveOptions({ listen, tls, behindProxy }: NodeConfig, { webRoot = WEB_ROOT }: NodeOptions) {
  return {
    ...listen,
    webRoot,
    ...(behindProxy === undefined ? {} : { behindProxy }),
    ...(tls ? { tls: await serverTls(tls) } : {}),
  }
}
