/**
 * Changing the root key, in steps that a crash may end anywhere. The command line makes the next one in `keys/root.next.json`
 * and lets it repeat what the one before had delegated, so that every other key stays as it is. Alliances vote on it one
 * by one; in each the key counts that its charter names. When the last one names the next key, the node puts it in the
 * place of the one before, which stays as `keys/root.previous.json`.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBase64, type MemberId, toBase64 } from '#base'
import { type Directory, keyWords } from '#federation'
import { type Envelope, signedBy, signStatement, type Signer, statementHash, toSigner } from '#log'
import {
  KEY_FILES,
  readConfig,
  readDelegations,
  readRootFile,
  rootKeyOf,
  writeConfig,
  writeDelegations,
  writeRootFile,
} from './data-directory.ts'
import { openRootKey, sealRootKey } from './root-key.ts'

/** A root key that is to take the place of the one before. */
export interface RootChange {
  /** In base64. */
  root: string
  /** What the key before had delegated and ended, as this one signed it. */
  delegations: Envelope[]
}

/**
 * Makes the next root key, or opens the one that waits. The key before is not needed: where it is lost, the other members
 * alone decide.
 *
 * @throws KEY_UNREADABLE, PASSPHRASE_WRONG
 */
export async function prepareRootChange(dir: string, passphrase: string): Promise<RootChange> {
  const config = await readConfig(dir)
  const known = await readDelegations(dir)
  const next = existsSync(join(dir, KEY_FILES.nextRoot))
    ? await openNext(dir, passphrase)
    : await makeNext(dir, passphrase)
  const repeated = signedBy(known, fromBase64(rootKeyOf(config))).map(({ statement: { type, ...fields } }) =>
    signStatement(String(type), fields, [next]),
  )
  const own = signedBy(known, next.publicKey)
  const has = (one: Envelope) => own.some((mine) => statementHash(mine.statement) === statementHash(one.statement))
  const delegations = [...own, ...repeated.filter((one) => !has(one))]
  await writeDelegations(dir, [...known.filter((one) => !own.includes(one)), ...delegations])
  return { root: toBase64(next.publicKey), delegations }
}

/** The root key that waits, in base64; undefined where none does. */
export async function nextRootOf(dir: string): Promise<string | undefined> {
  if (!existsSync(join(dir, KEY_FILES.nextRoot))) return undefined
  return (await readRootFile(dir, KEY_FILES.nextRoot)).publicKey
}

/** Whether every charter in which the member stands names that root key. */
export function isNamedEverywhere(directory: Directory, root: string): boolean {
  const rows = directory.charters().flatMap(({ charter }) => charter.members.filter(({ id }) => id === directory.self))
  return rows.every((row) => row.standing === 'left' || row.root === root)
}

/** Puts the next root key in the place of the one before, which signs nothing more. */
export async function finishRootChange(dir: string): Promise<void> {
  const config = await readConfig(dir)
  const next = await readRootFile(dir, KEY_FILES.nextRoot)
  if (rootKeyOf(config) !== next.publicKey) {
    // The one before may be lost.
    if (existsSync(join(dir, KEY_FILES.root)))
      await writeRootFile(dir, KEY_FILES.previousRoot, await readRootFile(dir, KEY_FILES.root))
    await writeDelegations(dir, signedBy(await readDelegations(dir), fromBase64(next.publicKey)))
    await writeConfig(dir, { ...config, laterRootKey: next.publicKey })
  }
  await rename(join(dir, KEY_FILES.nextRoot), join(dir, KEY_FILES.root))
}

/** Which root key signs for the member in an alliance: the one that its charter names. */
export function rootIn(directory: Directory, member: MemberId, alliance: string): string | undefined {
  return directory.charter(alliance)?.charter.members.find(({ id }) => id === member)?.root
}

async function makeNext(dir: string, passphrase: string): Promise<Signer> {
  const seed = new Uint8Array(randomBytes(32))
  const next = toSigner(seed)
  await writeRootFile(dir, KEY_FILES.nextRoot, await sealRootKey(seed, next.publicKey, passphrase))
  return next
}

async function openNext(dir: string, passphrase: string): Promise<Signer> {
  return toSigner(await openRootKey(await readRootFile(dir, KEY_FILES.nextRoot), passphrase, KEY_FILES.nextRoot))
}

/** Twelve words of a root key in base64, as its people read them to those who vote for it. */
export const rootKeyWords = (root: string): string => keyWords(fromBase64(root))
