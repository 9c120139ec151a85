import { openSqliteStore } from './sqlite/sqlite-store.ts'
import type { StoreOptions } from './store.ts'
import type { VersionStore } from './version-query.ts'

/**
 * Opens the store of a data folder for this process alone; an empty folder becomes a new store.
 * @throws StoreError STORE_FOLDER_MISSING, STORE_LOCKED, STORE_FOREIGN, STORE_NEWER, STORE_DAMAGED, STORE_DISK_FULL, STORE_IO
 */
export function openStore(options: StoreOptions): Promise<VersionStore> {
  return openSqliteStore(options)
}
