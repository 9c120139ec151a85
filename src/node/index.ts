import type { Environment } from './environment.ts'
import type { Millis } from '#base'
import type { FsckReport } from '#store'
import type { BackupManifest, BackupOptions, RestoreOptions } from './backup.ts'
import type { Finding } from './doctor/finding.ts'
import type { NodeOptions, NoroshiNode } from './node.ts'
import type { Launcher } from '#drill'
import type { RehearsalOptions } from './rehearsal/launcher.ts'
import type { Rehearsal, RehearsalRunOptions } from './rehearsal/rehearsal.ts'

export { DEFAULT_HOST, DEFAULT_PORT, type NodeConfig } from './config.ts'
export {
  type InitOptions,
  initDataDirectory,
  openRootSigner,
  openRootSigners,
  openSealSigner,
  readConfig,
  readOperatorToken,
  readRunning,
} from './data-directory.ts'
export type { Finding } from './doctor/finding.ts'
export { type Environment, readEnvironment } from './environment.ts'
export { ERRORS, NodeError, type NodeErrorCode, toNodeError } from './errors.ts'
export { type Limits, LIMITS } from './limits.ts'
export type { NodeOptions, NoroshiNode } from './node.ts'
export { prepareKeyChange } from './key-change.ts'
export { changeRecipientKey, changeSealKey } from './people-keys.ts'
export { prepareRootChange, rootKeyWords } from './root-change.ts'
export { type PinnedTls, pinnedTls } from './own-certificate.ts'
export type { Rehearsal, RehearsalRunOptions } from './rehearsal/rehearsal.ts'
export { buildWebPage } from './web-page.ts'

/** Opens a node over its data directory and serves it; loaded when it is wanted, so that other commands start fast. */
export async function openNode(options: NodeOptions): Promise<NoroshiNode> {
  return (await import('./node.ts')).openNode(options)
}

/** Verifies everything in a data directory whose node is stopped. @throws DATA_DIR_MISSING, DATA_DIR_FOREIGN, DATA_DIR_LOCKED */
export async function fsckDirectory(dir: string, progress?: (done: number) => void): Promise<FsckReport> {
  return (await import('./fsck.ts')).fsckDirectory(dir, progress)
}

/** Writes a backup of a data directory, also while its node serves. @throws BACKUP_EXISTS, BACKUP_BROKEN, DISK_FULL */
export async function backUp(options: BackupOptions): Promise<BackupManifest> {
  return (await import('./backup.ts')).backUp(options)
}

/** Makes a data directory of a backup. @throws BACKUP_BROKEN, BACKUP_KEYS, BACKUP_NEWER, DATA_DIR_EXISTS, DISK_FULL */
export async function restoreBackup(options: RestoreOptions): Promise<BackupManifest> {
  return (await import('./backup.ts')).restoreBackup(options)
}

/** Looks at everything that the node of a data directory stands on, and at the proxy that its links go through. */
export async function examine(dir: string, now: Millis, proxy?: Environment['proxy']): Promise<Finding[]> {
  return (await import('./doctor/doctor.ts')).examine(dir, now, proxy)
}

/** Starts the members of a scenario as processes of this machine and runs its drill; their nodes stay up until disposed. */
export async function runRehearsal(options: RehearsalRunOptions): Promise<Rehearsal> {
  return (await import('./rehearsal/rehearsal.ts')).runRehearsal(options)
}

/** Scenarios that are shipped, and reports of drills that were run. */
export const openDrillFolder = () => import('./rehearsal/past-drills.ts')

/** A launcher of rehearsal nodes without a drill: each member of a scenario a process of this machine. */
export async function openLauncher(options: RehearsalOptions): Promise<Launcher> {
  return (await import('./rehearsal/launcher.ts')).rehearsalLauncher(options)
}
