import { resolve } from 'node:path'
import { type InitOptions, initDataDirectory, readEnvironment } from '#node'
import { collect, EXIT, examples, type Register, shaped, toPort, UsageError } from '../command.ts'
import { readPassphrase } from '../passphrase.ts'

interface Options {
  dir?: string
  slug: string
  name: string
  nation: string
  kind: string
  sector?: string[]
  host?: string
  port?: string
  publicUrl?: string
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
  behindProxy?: boolean
  demo?: boolean
  json?: boolean
}

/** Characters of a passphrase, at least. */
const PASSPHRASE_CHARACTERS = 12
const KINDS = [
  'national-csirt',
  'agency',
  'military',
  'ministry',
  'police',
  'company',
  'isac',
  'vendor',
  'academia',
  'other',
]
const toSlug = shaped(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'Small letters a-z, digits and hyphens, such as jp-nco.')
const toNation = shaped(/^[A-Z]{2}$/, 'Two capital letters of ISO 3166-1 alpha-2, such as JP.')

/** `noroshi init` */
export const register: Register = (program, { output, exit }) => {
  program
    .command('init')
    .description('Create the data directory and the keys of a node. The root key is sealed with a passphrase.')
    .option('--dir <dir>', 'folder to create (NOROSHI_DIR)')
    .requiredOption('--slug <slug>', 'short name for people, such as jp-nco', toSlug)
    .requiredOption('--name <name>', 'full name of the member')
    .requiredOption('--nation <cc>', 'ISO 3166-1 alpha-2, such as JP', toNation)
    .requiredOption('--kind <kind>', `${KINDS.join(', ')}, or another one`, toSlug)
    .option('--sector <sector>', 'sector of the member; may be given several times', collect)
    .option('--host <host>', 'address to listen on')
    .option('--port <port>', 'port to listen on', toPort)
    .option('--public-url <url>', 'address under which peers reach the node')
    .option('--tls-cert <file>', 'certificate chain of the node, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-ca <file>', 'authorities that peers’ certificates may be of, besides the system’s, PEM')
    .option('--behind-proxy', 'a proxy ends TLS in front of the node')
    .option('--demo', 'keys that everybody can compute, for a rehearsal only')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'noroshi init --dir /var/lib/noroshi --slug jp-nco --name "National Cybersecurity Office" --nation JP --kind national-csirt',
        'NOROSHI_PASSPHRASE=… noroshi init --dir node --slug us-cisa --name CISA --nation US --kind national-csirt --json',
      ]),
    )
    .action(async (options: Options) => {
      const dir = options.dir ?? readEnvironment().dir
      if (dir === undefined) throw new UsageError('Where? Give --dir DIR, or set NOROSHI_DIR.')
      const passphrase = options.demo ? '' : await readPassphrase('Passphrase for the root key', { confirm: true })
      if (!options.demo && Array.from(passphrase).length < PASSPHRASE_CHARACTERS)
        throw new UsageError(
          `The passphrase is too short: at least ${PASSPHRASE_CHARACTERS} characters guard the root key. Nothing was created.`,
        )
      if (!KINDS.includes(options.kind))
        output.note(`noroshi: --kind ${options.kind} is not a usual kind (${KINDS.join(', ')}); it is taken as it is.`)
      const config = await initDataDirectory({ ...(await toInitOptions(options)), dir, passphrase, now: Date.now() })
      if (options.json)
        await output.line(JSON.stringify({ dir, member: config.member, slug: config.slug, rootKey: config.rootKey }))
      else for (const line of advice(dir, config.member, options.demo === true)) await output.line(line)
      exit(EXIT.done)
    })
}

async function toInitOptions(options: Options): Promise<Omit<InitOptions, 'dir' | 'passphrase' | 'now'>> {
  const { slug, name, nation, kind, sector, host, port, publicUrl, tlsCert, tlsKey, tlsCa, behindProxy, demo } = options
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new UsageError('--tls-cert and --tls-key belong together.')
  return {
    slug,
    name,
    nation,
    kind,
    ...(sector ? { sectors: sector } : {}),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : {
          tls: {
            certFile: resolve(tlsCert),
            keyFile: resolve(tlsKey),
            ...(tlsCa === undefined ? {} : { caFile: resolve(tlsCa) }),
          },
        }),
    ...(behindProxy ? { behindProxy } : {}),
    ...(demo ? { demo } : {}),
  }
}

function advice(dir: string, member: string, demo: boolean): string[] {
  return [
    `Created ${dir} for ${member}.`,
    ...(demo ? ['Its keys are public knowledge: it serves in a rehearsal alone (noroshi serve --rehearsal).'] : []),
    '',
    'Keep safe, each in a place of its own:',
    `  ${dir}/keys/root.json   the root key, sealed with the passphrase. Copy it offline: with it and the passphrase you`,
    '                          can replace every other key; without either, the alliances vote for your next one.',
    '  the passphrase          nobody can recover it. Put it where your organisation keeps such things.',
    `  ${dir}/operator.token   full rights over the node; readable by its owner alone.`,
    '',
    'If one of them is lost (print this, or docs/recovery.md, and keep it with the passphrase):',
    `  the disk                noroshi restore BACKUP --dir NEW; make backups: noroshi backup --out FILE --dir ${dir}`,
    `  the node key, stolen    noroshi alliance compromised --since TIME --dir ${dir}`,
    `  the node key            noroshi alliance rekey --dir ${dir}`,
    `  operator.token          stop the node, delete the file, start the node`,
    '  the root key, its passphrase, or the only person who knew it',
    `                          noroshi alliance rekey --root --lost --dir ${dir}`,
    '                          and the others vote for it, after you read them its words',
    '',
    'Next:',
    `  noroshi serve --dir ${dir}`,
    `  noroshi alliance create SLUG --dir ${dir}     found an alliance, or`,
    `  noroshi alliance join INVITATION --dir ${dir} join one`,
  ]
}
