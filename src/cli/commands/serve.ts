import { openNode, readEnvironment } from '#node'
import { EXIT, examples, type Register, toPort, UsageError } from '../command.ts'
import { listenForStop } from '../stop-request.ts'

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
    .option('--port <port>', 'port to listen on; 0 = any free one', toPort)
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
      using stop = listenForStop()
      const { logLevel, proxy } = environment
      await using node = await openNode({ ...toNodeOptions(options), dir, logLevel, ...(proxy ? { proxy } : {}) })
      const url = node.url()
      await output.line(
        options.json
          ? JSON.stringify({ url, pid: process.pid, member: node.config.member })
          : `Noroshi of ${node.config.name} serves at ${url}`,
      )
      await Promise.race([stop.asked, parentGone()])
      exit(EXIT.done)
    })
}

function toNodeOptions({ host, port, tlsCert, tlsKey, tlsCa, behindProxy, rehearsal }: Options) {
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

/** Resolves when the rehearsal that started this node over a channel is gone, however it ended. */
function parentGone(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  process.once('disconnect', resolve)
  // The channel alone keeps no stopped node alive.
  process.channel?.unref()
  return promise
}
