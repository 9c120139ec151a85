import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { readEnvironment } from '#node'
import {
  type ClientOptions,
  collectionsAt,
  findCollection,
  type RemoteCollection,
  TaxiiClientError,
  TaxiiHttp,
} from '#taxii'
import { shaped, UsageError } from './command.ts'
import type { Output } from './output.ts'

/** Options that name a collection of another server. */
export interface RemoteOptions {
  collection?: string
  user?: string
  timeout?: string
  tries?: string
}

/** Adds those options to a command. */
export const withRemoteOptions = (command: Command): Command =>
  command
    .option('--collection <name>', 'id, alias or title of the collection, where the address is not its own')
    .option('--user <user>', 'user there; password in NOROSHI_TAXII_PASSWORD, or a bearer token in NOROSHI_TAXII_TOKEN')
    .option('--timeout <seconds>', 'time that one request may take', shaped(COUNT, 'Give a number of seconds.'))
    .option('--tries <count>', 'how often a request is tried', shaped(COUNT, 'Give a number.'))

const COUNT = /^[1-9]\d{0,4}$/

/** A client of another server, with the account that the environment names. */
export function openRemote({ user, timeout, tries }: RemoteOptions, output: Output): TaxiiHttp {
  const { taxiiToken, taxiiUser, taxiiPassword } = readEnvironment()
  const name = user ?? taxiiUser
  if (name !== undefined && taxiiPassword === undefined)
    throw new UsageError('Set NOROSHI_TAXII_PASSWORD: passwords are not taken from the command line.')
  const authorization =
    name === undefined
      ? taxiiToken && `Bearer ${taxiiToken}`
      : `Basic ${Buffer.from(`${name}:${taxiiPassword}`).toString('base64')}`
  return new TaxiiHttp({
    fetch: (url, init) => fetch(url, init as RequestInit) as ReturnType<ClientOptions['fetch']>,
    ...(authorization === undefined ? {} : { authorization }),
    ...(timeout === undefined ? {} : { tryMs: Number(timeout) * 1_000 }),
    ...(tries === undefined ? {} : { tries: Number(tries) }),
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
  const answer = findCollection((await collectionsAt(http, address)).filter(fits), collection)
  if (answer.found) return answer.found
  throw new UsageError(answer.why)
}

/** Failures of another server as one line. */
export async function atRemote<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TaxiiClientError ? new UsageError(error.message) : error
  }
}
