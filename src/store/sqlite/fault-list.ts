import type { LogId } from '#base'
import { StoreError, toStoreError } from '../errors.ts'
import type { FsckReport } from '../store.ts'

/** Faults named one by one; beyond it they are only counted. */
const MAX_FAULTS = 10_000

interface Place {
  log?: LogId
  index?: number
}

/** Collects what a check finds, and keeps it going where the database itself fails. */
export class FaultList {
  readonly list: FsckReport['faults'] = []

  add(kind: string, message: string, place: Place = {}): void {
    if (this.list.length < MAX_FAULTS) this.list.push({ ...place, kind, message })
    else if (this.list.length === MAX_FAULTS)
      this.list.push({ kind: 'more', message: 'There are more faults than are listed' })
  }

  /** Runs a step; damage that SQLite or a decoder throws becomes a fault of that place. */
  guard<T>(place: Place, step: () => T, kind = 'unreadable'): T | undefined {
    try {
      return step()
    } catch (error) {
      const { code } = error as { code?: string }
      if (error instanceof StoreError && (code === 'STORE_NEWER' || code === 'STORE_FOLDER_MISSING')) throw error
      const isDatabase = (error as { errcode?: number }).errcode !== undefined || error instanceof StoreError
      const message = isDatabase ? toStoreError(error, 'fsck').message : (error as Error).message
      this.add(isDatabase ? 'database' : kind, message, place)
      return undefined
    }
  }
}
