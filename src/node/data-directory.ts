import { existsSync } from 'node:fs'
import { chmod, mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { type KeyId, type MemberId, type Millis, fromBase64, toBase64 } from '#base'
import { type Envelope, keyIdOf, memberIdOf, signStatement, type Signer, toSigner } from '#log'
import { DEFAULT_HOST, DEFAULT_PORT, type NodeConfig, parseConfig } from './config.ts'
import { NodeError } from './errors.ts'
import { newRecipientKey, RECIPIENT_FILE, toRecipientFile } from './recipient-key.ts'
import { DEMO_PASSPHRASE, demoSeed, openRootKey, type SealedRootKey, sealRootKey } from './root-key.ts'

/** How long a node or seal key is delegated: a year, so that a lost root key shows before it is forgotten. */
const DELEGATION_MS = 366 * 86_400_000
/** Files of a data directory, by what they hold. */
export const KEY_FILES = {
  config: 'noroshi.json',
  root: 'keys/root.json',
  /** Waits for the alliances to vote for it. */
  nextRoot: 'keys/root.next.json',
  /** Counts for nothing any more. */
  previousRoot: 'keys/root.previous.json',
  seal: 'keys/seal.json',
  previousSeal: 'keys/seal.previous.json',
  node: 'keys/node.seed',
  recipient: RECIPIENT_FILE,
  delegations: 'keys/delegations.json',
  secret: 'keys/secret',
  operator: 'operator.token',
  running: 'running.json',
} as const

/** What `initDataDirectory` needs to know about the member. */
export interface InitOptions {
  dir: string
  slug: string
  name: string
  nation: string
  kind: string
  sectors?: readonly string[]
  host?: string
  port?: number
  publicUrl?: string
  tls?: NodeConfig['tls']
  behindProxy?: boolean
  /** Protects the root key; not used with `demo`. */
  passphrase: string
  /** Keys that anybody can compute, for rehearsals. */
  demo?: boolean
  now: Millis
}

/**
 * Creates a node's data directory: configuration, keys, delegations, operator token.
 *
 * `noroshi.json` is written last, so that a directory without it is never a node.
 *
 * @throws DATA_DIR_EXISTS, DATA_DIR_FOREIGN
 */
export async function initDataDirectory(options: InitOptions): Promise<NodeConfig> {
  const { dir, demo = false, now } = options
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const present = await readdir(dir)
  if (present.includes(KEY_FILES.config))
    throw new NodeError('DATA_DIR_EXISTS', `${dir} already holds a node.`, { details: { dir } })
  if (present.length > 0)
    throw new NodeError('DATA_DIR_FOREIGN', `${dir} is not empty and holds no node.`, { details: { dir } })

  const rootSeed = demo ? demoSeed(options.slug, 'root') : new Uint8Array(randomBytes(32))
  const nodeSeed = demo ? demoSeed(options.slug, 'node') : new Uint8Array(randomBytes(32))
  const sealSeed = new Uint8Array(randomBytes(32))
  const passphrase = demo ? DEMO_PASSPHRASE : options.passphrase
  const [root, node, seal] = [toSigner(rootSeed), toSigner(nodeSeed), toSigner(sealSeed)]
  const member = memberIdOf(root.publicKey)
  const config = parseConfig(
    {
      v: 1,
      member,
      slug: options.slug,
      name: options.name,
      nation: options.nation,
      kind: options.kind,
      sectors: [...new Set(options.sectors)].sort(),
      rootKey: toBase64(root.publicKey),
      listen: { host: options.host ?? DEFAULT_HOST, port: options.port ?? DEFAULT_PORT },
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      ...(options.tls ? { tls: options.tls } : {}),
      ...(options.behindProxy ? { behindProxy: true } : {}),
      ...(demo ? { demo: true } : {}),
    },
    'The new node',
  )
  const recipient = newRecipientKey()
  const delegations = [
    delegate(root, member, node, 'node', now),
    delegate(root, member, seal, 'seal', now),
    delegate(root, member, recipient, 'recipient', now),
  ]
  try {
    await mkdir(join(dir, 'keys'), { mode: 0o700 })
    await writeDurably(dir, KEY_FILES.root, json(await sealRootKey(rootSeed, root.publicKey, passphrase)))
    await writeDurably(dir, KEY_FILES.seal, json(await sealRootKey(sealSeed, seal.publicKey, passphrase)))
    await writeDurably(dir, KEY_FILES.node, Buffer.from(nodeSeed).toString('hex') + '\n')
    await writeDurably(dir, KEY_FILES.recipient, toRecipientFile(recipient.identity))
    await writeDurably(dir, KEY_FILES.secret, randomBytes(32).toString('hex') + '\n')
    await writeDurably(dir, KEY_FILES.delegations, json(delegations))
    await writeDurably(dir, KEY_FILES.operator, newOperatorToken())
    await writeDurably(dir, KEY_FILES.config, json(config))
  } catch (error) {
    for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true })
    throw error
  }
  return config
}

/** What a node reads from its data directory at start. */
export interface DataDirectory {
  dir: string
  config: NodeConfig
  nodeKey: Signer
  delegations: Envelope[]
  operatorToken: string
  /** Keys the ids of renditions and sightings. */
  secret: Uint8Array
}

/**
 * Reads a data directory and checks that its keys belong together.
 *
 * @throws DATA_DIR_MISSING, DATA_DIR_FOREIGN, KEY_UNREADABLE
 */
export async function readDataDirectory(dir: string): Promise<DataDirectory> {
  const config = await readConfig(dir)
  const nodeKey = toSigner(await readSeed(dir, KEY_FILES.node))
  const delegations = await readDelegations(dir)
  const own = delegations.some(({ statement }) => {
    const { purpose, key, member } = statement as { purpose?: unknown; key?: unknown; member?: unknown }
    return purpose === 'node' && key === toBase64(nodeKey.publicKey) && member === config.member
  })
  if (!own)
    throw new NodeError(
      'KEY_UNREADABLE',
      `${join(dir, KEY_FILES.delegations)} holds no delegation of this node's key by ${config.slug}.`,
    )
  if (memberIdOf(fromBase64(config.rootKey)) !== config.member)
    throw new NodeError('DATA_DIR_FOREIGN', `${join(dir, KEY_FILES.config)}: "member" does not belong to "rootKey".`)
  const secret = await readSeed(dir, KEY_FILES.secret)
  return { dir, config, nodeKey, delegations, operatorToken: await readOperatorToken(dir), secret }
}

/**
 * The configuration of a data directory.
 *
 * @throws DATA_DIR_MISSING, DATA_DIR_FOREIGN
 */
export async function readConfig(dir: string): Promise<NodeConfig> {
  if (!existsSync(dir))
    throw new NodeError('DATA_DIR_MISSING', `There is no data directory ${dir}.`, { details: { dir } })
  const path = join(dir, KEY_FILES.config)
  if (!existsSync(path))
    throw new NodeError('DATA_DIR_FOREIGN', `${dir} is not a node's data directory: it has no noroshi.json.`, {
      details: { dir },
    })
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new NodeError('DATA_DIR_FOREIGN', `${path} is not JSON.`, { details: { dir }, cause })
  }
  return parseConfig(value, path)
}

/** The root key in use, in base64. */
export const rootKeyOf = ({ rootKey, laterRootKey }: NodeConfig): string => laterRootKey ?? rootKey

/** Puts a configuration in the place of the one before. */
export const writeConfig = (dir: string, config: NodeConfig): Promise<void> =>
  writeDurably(dir, KEY_FILES.config, json(config))

/** A sealed key of the data directory. @throws KEY_UNREADABLE */
export const readRootFile = async (dir: string, name: string): Promise<SealedRootKey> => {
  const text = await readText(dir, name)
  try {
    return JSON.parse(text) as SealedRootKey
  } catch (cause) {
    throw new NodeError('KEY_UNREADABLE', `${join(dir, name)} is not a sealed key.`, { details: { dir }, cause })
  }
}

/** Writes a sealed key. */
export const writeRootFile = (dir: string, name: string, file: SealedRootKey): Promise<void> =>
  writeDurably(dir, name, json(file))

/**
 * Opens a sealed root key; used by the command line alone, the node never sees the passphrase. While the key is changed
 * there are two, and `key` says which one is meant.
 *
 * @throws KEY_UNREADABLE, PASSPHRASE_WRONG
 */
export async function openRootSigner(dir: string, passphrase: string, key?: KeyId): Promise<Signer> {
  const names = [KEY_FILES.root, ...(existsSync(join(dir, KEY_FILES.nextRoot)) ? [KEY_FILES.nextRoot] : [])]
  for (const name of names) {
    const file = await readRootFile(dir, name)
    if (key === undefined || (typeof file.publicKey === 'string' && keyIdOf(fromBase64(file.publicKey)) === key))
      return toSigner(await openRootKey(file, passphrase, name))
  }
  throw new NodeError('KEY_UNREADABLE', `${join(dir, 'keys')} holds no root key ${key}, which the charter names.`)
}

/**
 * The root keys that sign for the member: the one in use, and the next where one waits. The one in use may be lost, once
 * a next one is there.
 *
 * @throws KEY_UNREADABLE, PASSPHRASE_WRONG
 */
export async function openRootSigners(dir: string, passphrase: string): Promise<Signer[]> {
  if (!existsSync(join(dir, KEY_FILES.nextRoot))) return [await openRootSigner(dir, passphrase)]
  const next = await readRootFile(dir, KEY_FILES.nextRoot)
  const opened = [toSigner(await openRootKey(next, passphrase, KEY_FILES.nextRoot))]
  try {
    return [await openRootSigner(dir, passphrase), ...opened]
  } catch (error) {
    if (error instanceof NodeError && error.code === 'PASSPHRASE_WRONG') return opened
    throw error
  }
}

/**
 * Opens the sealed seal key, by which people sign; used by the command line alone.
 *
 * @throws KEY_UNREADABLE, PASSPHRASE_WRONG
 */
export async function openSealSigner(dir: string, passphrase: string, key: KeyId): Promise<Signer> {
  const file = await readRootFile(dir, KEY_FILES.seal)
  const signer = toSigner(await openRootKey(file, passphrase, KEY_FILES.seal))
  if (signer.keyId === key) return signer
  throw new NodeError(
    'KEY_UNREADABLE',
    `${join(dir, KEY_FILES.seal)} is not the seal key ${key} that the node asks for.`,
  )
}

/** Delegations of the node's keys, and ends of them, as the root key signed them. @throws KEY_UNREADABLE */
export const readDelegations = async (dir: string): Promise<Envelope[]> =>
  JSON.parse(await readText(dir, KEY_FILES.delegations)) as Envelope[]

/** Puts them in the place of those before. */
export const writeDelegations = (dir: string, delegations: readonly Envelope[]): Promise<void> =>
  writeDurably(dir, KEY_FILES.delegations, json(delegations))

/** A new token for a node's operator, as its file holds it. */
export const newOperatorToken = (): string => `noroshi_op_${randomBytes(32).toString('base64url')}\n`

/** Makes a new token where the operator's is gone: whoever may write the data directory may do everything anyway. */
export async function replaceLostToken(dir: string): Promise<void> {
  const isNode = existsSync(join(dir, KEY_FILES.config))
  if (isNode && !existsSync(join(dir, KEY_FILES.operator)))
    await writeDurably(dir, KEY_FILES.operator, newOperatorToken())
}

/** The token of the node's operator. */
export const readOperatorToken = async (dir: string): Promise<string> =>
  (await readText(dir, KEY_FILES.operator)).trim()

/** Process id and address of a serving node, as it wrote them. */
export interface RunningNode {
  pid: number
  url: string
  /** Its certificate chain, PEM, where it serves TLS. */
  certFile?: string
  /** The key of that certificate, where whoever calls has to show one: commands of this machine show the node's own. */
  keyFile?: string
}

/** Where the node of a data directory is being served, if it is. */
export async function readRunning(dir: string): Promise<RunningNode | undefined> {
  try {
    return JSON.parse(await readFile(join(dir, KEY_FILES.running), 'utf8')) as RunningNode
  } catch {
    return undefined
  }
}

/** Records that the node is being served; dispose to take it back. */
export async function writeRunning(dir: string, running: RunningNode): Promise<AsyncDisposable> {
  await writeDurably(dir, KEY_FILES.running, json(running))
  return { [Symbol.asyncDispose]: () => rm(join(dir, KEY_FILES.running), { force: true }) }
}

/** A delegation by the root key, for a year from now. */
export function delegate(
  root: Signer,
  member: MemberId,
  key: Pick<Signer, 'publicKey'>,
  purpose: string,
  now: Millis,
): Envelope {
  const fields = { member, key: toBase64(key.publicKey), purpose, from: now, until: now + DELEGATION_MS }
  return signStatement('delegation', fields, [root])
}

/** @throws KEY_UNREADABLE */
export async function readSeed(dir: string, name: string): Promise<Uint8Array> {
  const text = (await readText(dir, name)).trim()
  if (!/^[0-9a-f]{64}$/.test(text)) throw new NodeError('KEY_UNREADABLE', `${join(dir, name)} is not a key.`)
  return new Uint8Array(Buffer.from(text, 'hex'))
}

async function readText(dir: string, name: string): Promise<string> {
  try {
    return await readFile(join(dir, name), 'utf8')
  } catch (cause) {
    throw new NodeError('KEY_UNREADABLE', `${join(dir, name)} cannot be read.`, { details: { dir }, cause })
  }
}

/** Writes a file for the owner alone, complete or not at all, on disk before it returns. */
export async function writeDurably(dir: string, name: string, text: string): Promise<void> {
  const path = join(dir, name)
  const file = await open(`${path}.tmp`, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await chmod(`${path}.tmp`, 0o600)
  await rename(`${path}.tmp`, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
