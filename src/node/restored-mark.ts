import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Name of the file by which a restored data directory says that no peer was asked yet what was lost. */
export const RESTORED_FILE = 'restored.json'

/** Whether a data directory was restored from a backup, and has asked nobody yet. */
export const isRestored = (dir: string): boolean => existsSync(join(dir, RESTORED_FILE))

/** Peers were asked, and what came of it is on disk. */
export const forgetRestored = (dir: string): Promise<void> => rm(join(dir, RESTORED_FILE), { force: true })
