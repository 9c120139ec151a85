import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseJson, isJsonObject, type JsonObject, type Millis } from '#base'
import { copyStore, fsckFolder, STORE_VERSION, storeBytes } from '#store'
import {
  ARCHIVE_END,
  type ArchiveMember,
  broken,
  paddingOf,
  readMember,
  readMembers,
  toHeader,
} from './backup-archive.ts'
import { newOperatorToken, readConfig } from './data-directory.ts'
import { NodeError } from './errors.ts'
import { RESTORED_FILE } from './restored-mark.ts'

/** Version of the form of backups. */
const FORM = 1
const MANIFEST = 'manifest.json'
const DATABASE = 'noroshi.db'
const CONFIG = 'noroshi.json'
const PUBLIC_KEYS = 'keys/delegations.json'
const OPERATOR = 'operator.token'
const NODE_KEY = 'keys/node.seed'
/** Bytes of a manifest: some hundred files of names and hashes. */
const MANIFEST_BYTES = 1_048_576
const MEMBERS_MOST = 10_000
/** Room that must stay on the disk. */
const SPARE_BYTES = 64 * 1_048_576
const NAME =
  /^(?:noroshi\.(?:json|db)|operator\.token|keys\/(?:[A-Za-z0-9][A-Za-z0-9._-]*\/)?[A-Za-z0-9][A-Za-z0-9._-]*)$/
const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** What a backup says about itself; the first file in it. */
export interface BackupManifest {
  form: number
  /** Version of the program, and of the tables that it wrote. */
  version: string
  tables: number
  member: string
  slug: string
  /** The instant that the copy shows, or a little before. */
  time: Millis
  /** Whether the private keys and the operator's token are in it. */
  keys: boolean
  files: { name: string; size: number; sha256: string }[]
}

/** How far a backup or restore is: what it does now, and the share from 0 to 1. */
export type BackupProgress = (what: string, done: number) => void

/** How a backup is made. */
export interface BackupOptions {
  dir: string
  out: string
  withKeys: boolean
  now: Millis
  progress?: BackupProgress
}

/**
 * Writes a backup of a data directory into one file, for its owner alone; the node may be serving meanwhile. It is
 * complete and verified, or not there.
 *
 * @throws DATA_DIR_MISSING, DATA_DIR_FOREIGN, BACKUP_EXISTS, BACKUP_BROKEN, DISK_FULL
 */
export async function backUp(options: BackupOptions): Promise<BackupManifest> {
  const { dir, withKeys, now, progress = () => undefined } = options
  const out = resolve(options.out)
  const config = await readConfig(dir)
  if (existsSync(out)) throw new NodeError('BACKUP_EXISTS', `${out} is there already; a backup replaces nothing.`)
  if (!existsSync(join(dir, DATABASE)))
    throw new NodeError('DATA_DIR_FOREIGN', `${dir} holds nothing to back up yet: its node was never served.`)
  await requireRoom(dirname(out), 2 * storeBytes(dir))
  const part = `${out}.part`
  await rm(part, { recursive: true, force: true })
  await mkdir(part, { recursive: true, mode: 0o700 })
  try {
    await copyStore(dir, part, (done) => progress('copied', done))
    const report = await fsckFolder(part, (done) => progress('verified', done))
    if (!report.ok)
      throw broken(dir, `its data has ${report.faults.length} faults (${report.faults[0]?.message}); see noroshi fsck`)
    const names = await fileNames(dir, withKeys)
    const paths = new Map([[DATABASE, join(part, DATABASE)], ...names.map((name) => [name, join(dir, name)] as const)])
    const files: BackupManifest['files'] = []
    for (const [name, path] of paths) files.push({ name, ...(await digestOf(path)) })
    const { member, slug } = config
    const manifest = {
      form: FORM,
      version: VERSION,
      tables: STORE_VERSION,
      member,
      slug,
      time: now,
      keys: withKeys,
      files,
    }
    await writeArchive(join(part, 'archive'), manifest, paths, progress)
    await verify(join(part, 'archive'), progress)
    await rename(join(part, 'archive'), out)
    await syncFolder(dirname(out))
    return manifest
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}

/** How a backup is restored. */
export interface RestoreOptions {
  file: string
  /** Folder that is made, or an empty one. */
  dir: string
  /** Folder `keys` of the node, kept elsewhere, where the backup holds none. */
  keys?: string
  now: Millis
  progress?: BackupProgress
}

/**
 * Makes a data directory of a backup. At its first start the node asks its peers what it has lost before it signs
 * anything.
 *
 * @throws DATA_DIR_EXISTS, BACKUP_BROKEN, BACKUP_NEWER, BACKUP_KEYS, DISK_FULL
 */
export async function restoreBackup(options: RestoreOptions): Promise<BackupManifest> {
  const { file: path, dir, keys, now, progress = () => undefined } = options
  const file = await openBackup(path)
  try {
    const { manifest, members } = await readManifest(file, path)
    if (!manifest.keys && keys === undefined)
      throw new NodeError('BACKUP_KEYS', `${path} holds no keys: it was made without --with-keys.`)
    if (keys !== undefined && !existsSync(join(keys, 'node.seed')))
      throw new NodeError('BACKUP_KEYS', `${keys} holds no node key; --keys names the folder "keys" of the node.`)
    await requireEmpty(dir)
    await requireRoom(
      dir,
      manifest.files.reduce((sum, { size }) => sum + size, 0),
    )
    try {
      await mkdir(join(dir, 'keys'), { mode: 0o700 })
      if (keys !== undefined) await copyKeys(keys, dir)
      const [config, ...others] = [...members].sort((a, b) => Number(b.name === CONFIG) - Number(a.name === CONFIG))
      for (const member of others) await extract(file, member, manifest, dir, path, progress)
      // Without the old token the operator gets a new one; it proves nothing but to this node.
      if (!existsSync(join(dir, OPERATOR))) await writeWhole(join(dir, OPERATOR), newOperatorToken())
      await writeWhole(join(dir, RESTORED_FILE), `${JSON.stringify({ backup: manifest.time, restored: now })}\n`)
      // Last, so that a folder without it is never a node.
      await extract(file, config!, manifest, dir, path, progress)
      await syncFolder(dir)
      await readConfig(dir)
    } catch (error) {
      for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true })
      throw error
    }
    return manifest
  } finally {
    await file.close()
  }
}

async function fileNames(dir: string, withKeys: boolean): Promise<string[]> {
  if (!withKeys) return [PUBLIC_KEYS, CONFIG]
  const entries = await readdir(join(dir, 'keys'), { recursive: true, withFileTypes: true })
  const keys = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, 'x').length - 1))
  return [...keys.sort(), OPERATOR, CONFIG]
}

async function digestOf(path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer)
    size += (chunk as Buffer).length
  }
  return { size, sha256: hash.digest('hex') }
}

async function writeArchive(
  target: string,
  manifest: BackupManifest,
  paths: ReadonlyMap<string, string>,
  progress: BackupProgress,
): Promise<void> {
  const file = await open(target, 'wx', 0o600)
  try {
    const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
    for (const bytes of [toHeader(MANIFEST, text.length, manifest.time), text, paddingOf(text.length)])
      await file.writeFile(bytes)
    const total = manifest.files.reduce((sum, { size }) => sum + size, 0)
    let done = 0
    for (const { name, size } of manifest.files) {
      await file.writeFile(toHeader(name, size, manifest.time))
      for await (const chunk of createReadStream(paths.get(name) as string, { highWaterMark: 1_048_576 })) {
        await file.writeFile(chunk as Buffer)
        progress('written', (done += (chunk as Buffer).length) / total)
      }
      await file.writeFile(paddingOf(size))
    }
    await file.writeFile(ARCHIVE_END)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Reads everything back and compares it with the manifest. */
async function verify(path: string, progress: BackupProgress): Promise<void> {
  const file = await openBackup(path)
  try {
    const { manifest, members } = await readManifest(file, path)
    for (const member of members) await extract(file, member, manifest, undefined, path, progress)
  } finally {
    await file.close()
  }
}

async function openBackup(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new NodeError('BACKUP_BROKEN', `${path} cannot be read.`, { cause })
  }
}

async function readManifest(file: FileHandle, path: string) {
  const [first, ...members] = await readMembers(file, path, MEMBERS_MOST)
  if (first?.name !== MANIFEST || first.size > MANIFEST_BYTES) throw broken(path, 'it does not begin with a manifest')
  const chunks: Uint8Array[] = []
  for await (const chunk of readMember(file, first, path)) chunks.push(Buffer.from(chunk))
  const manifest = toManifest(Buffer.concat(chunks), path)
  const named = manifest.files.map(({ name, size }) => `${size} ${name}`)
  if (JSON.stringify(named) !== JSON.stringify(members.map(({ name, size }) => `${size} ${name}`)))
    throw broken(path, 'its files are not those of its manifest')
  return { manifest, members }
}

function toManifest(bytes: Uint8Array, path: string): BackupManifest {
  let value: unknown
  try {
    value = parseJson(bytes)
  } catch (cause) {
    throw new NodeError('BACKUP_BROKEN', `The manifest of ${path} is no JSON.`, { cause })
  }
  const { form, tables, files, keys, member, slug, time, version } = (isJsonObject(value) ? value : {}) as JsonObject
  if (typeof form !== 'number' || typeof tables !== 'number') throw broken(path, 'its manifest has no versions')
  if (form > FORM || tables > STORE_VERSION)
    throw new NodeError(
      'BACKUP_NEWER',
      `${path} was made by Noroshi ${String(version)} (form ${form}, tables ${tables}); this is ${VERSION} (form ${FORM}, tables ${STORE_VERSION}).`,
    )
  const isFile = (file: unknown) => {
    const { name, size, sha256 } = (file ?? {}) as Record<string, unknown>
    return (
      typeof name === 'string' && NAME.test(name) && Number.isSafeInteger(size) && /^[0-9a-f]{64}$/.test(String(sha256))
    )
  }
  const names = Array.isArray(files) && files.every(isFile) ? files.map((file) => (file as { name: string }).name) : []
  if (new Set(names).size !== names.length || !names.includes(DATABASE) || !names.includes(CONFIG))
    throw broken(path, 'its manifest names no files, or none that a node has')
  if (
    (keys === true) !== names.includes(NODE_KEY) ||
    typeof member !== 'string' ||
    typeof slug !== 'string' ||
    typeof time !== 'number'
  )
    throw broken(path, 'its manifest does not say whose it is')
  return value as unknown as BackupManifest
}

/** Reads a member and checks it; writes it below the folder, if one is given. */
async function extract(
  file: FileHandle,
  member: ArchiveMember,
  manifest: BackupManifest,
  dir: string | undefined,
  path: string,
  progress: BackupProgress,
): Promise<void> {
  const { name, size } = member
  // Keys that were given apart are the newer ones.
  const target = dir === undefined || existsSync(join(dir, name)) ? undefined : join(dir, name)
  if (target) await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const out = target === undefined ? undefined : await open(target, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    let done = 0
    for await (const chunk of readMember(file, member, path)) {
      hash.update(chunk)
      await out?.writeFile(chunk)
      progress(dir === undefined ? 'read back' : 'restored', (done += chunk.length) / size)
    }
    if (hash.digest('hex') !== manifest.files.find((one) => one.name === name)?.sha256)
      throw broken(path, `the bytes of ${name} are not those that were backed up`)
    await out?.sync()
  } finally {
    await out?.close()
  }
}

async function requireEmpty(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if ((await readdir(dir)).length > 0)
    throw new NodeError('DATA_DIR_EXISTS', `${dir} is not empty; a backup is restored into an empty or a new folder.`)
}

async function requireRoom(dir: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize < bytes + SPARE_BYTES)
    throw new NodeError(
      'DISK_FULL',
      `${dir} has ${Math.floor((bavail * bsize) / 1_048_576)} MiB free; ${Math.ceil((bytes + SPARE_BYTES) / 1_048_576)} MiB are needed.`,
    )
}

async function copyKeys(from: string, dir: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const source = join(entry.parentPath, entry.name)
    const target = join(dir, 'keys', source.slice(join(from, 'x').length - 1))
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    if ((await stat(source)).size > MANIFEST_BYTES)
      throw new NodeError('BACKUP_KEYS', `${source} is no key: it is too large.`)
    await writeWhole(target, readFileSync(source))
  }
}

async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
