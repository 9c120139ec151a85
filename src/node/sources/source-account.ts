import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** How a node presents itself to a source. */
export type SourceAccount = { user: string; password: string } | { token: string } | Record<string, never>

const pathOf = (dir: string, name: string) => join(dir, 'keys', 'taxii-sources', `${name}.json`)

/** Keeps an account in a file for the node's user alone, on disk before it resolves. */
export async function writeAccount(dir: string, name: string, account: SourceAccount): Promise<void> {
  const path = pathOf(dir, name)
  if (Object.keys(account).length === 0) return removeAccount(dir, name)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(`${path}.tmp`, 'w', 0o600)
  try {
    await chmod(`${path}.tmp`, 0o600)
    await file.writeFile(JSON.stringify(account))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.tmp`, path)
  await syncFolder(dirname(path))
}

export async function removeAccount(dir: string, name: string): Promise<void> {
  await rm(pathOf(dir, name), { force: true })
}

/** The account of a source; an empty one where it has none. */
export async function readAccount(dir: string, name: string): Promise<SourceAccount> {
  try {
    return JSON.parse(await readFile(pathOf(dir, name), 'utf8')) as SourceAccount
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

/** Value of the Authorization header. */
export function authorizationOf(account: SourceAccount): string | undefined {
  if ('token' in account) return `Bearer ${account.token}`
  if ('user' in account) return `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`
  return undefined
}

/** What of an account may be shown. */
export const shownAccount = (account: SourceAccount): { user: string } | { token: true } | null =>
  'user' in account && account.user !== undefined ? { user: account.user } : 'token' in account ? { token: true } : null

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
