import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { readEnvironment } from '#node'
import { collectionsAt, type RemoteCollection, TaxiiClientError, TaxiiHttp } from '#taxii'
import { UsageError } from './command.ts'
import type { Output } from './output.ts'

/** Options that name a collection of another server. */
export interface RemoteOptions {
  collection?: string
  user?: string
}

/** Adds those options to a command. */
export const withRemoteOptions = (command: Command): Command =>
  command
    .option('--collection <name>', 'id, alias or title of the collection, where the address is not its own')
    .option('--user <user>', 'user there; password in NOROSHI_TAXII_PASSWORD, or a bearer token in NOROSHI_TAXII_TOKEN')

/** A client of another server, with the account that the environment names. */
export function openRemote({ user }: RemoteOptions, output: Output): TaxiiHttp {
  const { taxiiToken, taxiiUser, taxiiPassword } = readEnvironment()
  const name = user ?? taxiiUser
  if (name !== undefined && taxiiPassword === undefined)
    throw new UsageError('Set NOROSHI_TAXII_PASSWORD: passwords are not taken from the command line.')
  const authorization =
    name === undefined
      ? taxiiToken && `Bearer ${taxiiToken}`
      : `Basic ${Buffer.from(`${name}:${taxiiPassword}`).toString('base64')}`
  return new TaxiiHttp({
    fetch: (url, init) => fetch(url, init),
    ...(authorization === undefined ? {} : { authorization }),
    sleep: (ms) => sleep(ms),
    now: () => Date.now(),
    random: () => Math.random(),
    note: (message) => output.note(message),
  })
}

/** The collection that an address and `--collection` name. */
export async function findRemote(
  http: TaxiiHttp,
  address: string,
  { collection }: RemoteOptions,
  fits: (one: RemoteCollection) => boolean,
): Promise<RemoteCollection> {
  const all = (await collectionsAt(http, address)).filter(fits)
  const named =
    collection === undefined ? all : all.filter(({ id, alias, title }) => [id, alias, title].includes(collection))
  const [found] = named
  if (found && named.length === 1) return found
  const listed = all.slice(0, 20).map(({ title, id }) => `${title} (${id})`)
  throw new UsageError(
    `${named.length === 0 ? 'No collection there fits' : 'Several collections there fit'}; give --collection. ` +
      `There are: ${listed.join(', ') || 'none for this account'}.`,
  )
}

/** Failures of another server as one line. */
export async function atRemote<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TaxiiClientError ? new UsageError(error.message) : error
  }
}
