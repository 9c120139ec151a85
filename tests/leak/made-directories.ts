// Data directories of the servers, made once in a process: their keys are sealed slowly, and are the same on every stage.
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBase64, type KeyId, toBase64 } from '#base'
import type { Signer } from '#log'
import { initDataDirectory, openSealSigner } from '#node'
import { DEMO_PASSPHRASE } from '../../src/node/root-key.ts'
import { MEMBERS, type Server, SERVERS } from './world-plan.ts'

/** A folder in memory, where there is one: the worlds are many, and their disks are not what is tested here. */
export const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

let made: Promise<string> | undefined
const seals = new Map<Server, Promise<Signer>>()

/** The data directory of a server, to be copied. */
export const madeDirectory = async (server: Server): Promise<string> => join(await (made ??= makeAll()), server)

/** A signature of the server's seal key. */
export async function sealed(server: Server, key: KeyId, bytes: string): Promise<string> {
  const seal = seals.get(server) ?? openSealSigner(await madeDirectory(server), DEMO_PASSPHRASE, key)
  seals.set(server, seal)
  return toBase64((await seal).sign(fromBase64(bytes)))
}

async function makeAll(): Promise<string> {
  const path = await mkdtemp(join(FOLDER, 'noroshi-leak-made-'))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  for (const { slug, ...org } of MEMBERS) {
    if (!SERVERS.some((server) => server === slug)) continue
    const dir = join(path, slug)
    await initDataDirectory({
      ...org,
      slug,
      dir,
      name: `Member ${slug}`,
      passphrase: DEMO_PASSPHRASE,
      demo: true,
      now: Date.now(),
    })
  }
  return path
}
