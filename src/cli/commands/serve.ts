import { once } from 'node:events'
import { openNode, readEnvironment } from '#node'
import { EXIT, examples, type Register, UsageError } from '../command.ts'

interface Options {
  dir?: string
  host?: string
  port?: string
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
  behindProxy?: boolean
  rehearsal?: boolean
  json?: boolean
}

/** `noroshi serve` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('serve')
    .description('Run a node until SIGINT or SIGTERM. Its log goes to stderr, as JSON lines.')
    .option('--dir <dir>', 'data directory (NOROSHI_DIR)')
    .option('--host <host>', 'address to listen on; other than loopback needs TLS or a proxy')
    .option('--port <port>', 'port to listen on; 0 = any free one')
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-ca <file>', 'authorities that peers’ certificates may be of, besides the system’s, PEM')
    .option('--behind-proxy', 'a proxy ends TLS; believe its X-Forwarded-For')
    .option('--rehearsal', 'accept demo keys, on loopback alone; drills arm here')
    .option('--json', 'print the address as JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi serve --dir node',
        'noroshi serve --dir node --host 0.0.0.0 --port 443 --tls-cert chain.pem --tls-key key.pem',
        'NOROSHI_LOG=warn noroshi serve --dir node --host 10.0.0.5 --behind-proxy',
      ]),
    )
    .action(async (options: Options) => {
      const environment = readEnvironment()
      const dir = options.dir ?? environment.dir
      if (dir === undefined) throw new UsageError('Which node? Give --dir DIR, or set NOROSHI_DIR.')
      const stopped = stopSignal()
      await using node = await openNode({ ...toNodeOptions(options), dir, logLevel: environment.logLevel })
      const url = node.url()
      await output.line(
        options.json
          ? JSON.stringify({ url, pid: process.pid, member: node.config.member })
          : `Noroshi of ${node.config.name} serves at ${url}`,
      )
      await stopped
      exit(EXIT.done)
    })
}

function toNodeOptions({ host, port, tlsCert, tlsKey, tlsCa, behindProxy, rehearsal }: Options) {
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageError(`--port: ${port} is not a port.`)
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('--tls-cert and --tls-key belong together.')
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { certFile: tlsCert, keyFile: tlsKey, ...(tlsCa === undefined ? {} : { caFile: tlsCa }) } }),
    ...(behindProxy ? { behindProxy } : {}),
    ...(rehearsal ? { rehearsal } : {}),
  }
}

/** Resolves at the first request to stop. */
function stopSignal(): Promise<unknown> {
  const controller = new AbortController()
  const { signal } = controller
  const waits = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) =>
    once(process, name, { signal }).catch(() => undefined),
  )
  return Promise.race(waits).finally(() => controller.abort())
}
