export { sequenceKey } from './sql/tables.ts'
export { StoreError, type StoreErrorCode } from './errors.ts'
export { openStore } from './open-store.ts'
export { copyStore, STORE_VERSION, storeBytes } from './sqlite/copy-store.ts'
export { fsckFolder } from './sqlite/fsck.ts'
export type {
  AppendChange,
  BodyStore,
  LateAdmission,
  ReaderBounds,
  Resurfaced,
  ResurfacedQuery,
  Side,
  Change,
  FsckReport,
  LogHead,
  Micros,
  MirrorChange,
  MirroredEntry,
  NewEntry,
  ObjectBody,
  ObjectText,
  ObjectColumns,
  ObjectQuery,
  ObjectRow,
  ObjectStatus,
  Outcome,
  Page,
  Store,
  StoredEntry,
  StoredRecord,
  StoreOptions,
} from './store.ts'
export type { VersionChoice, VersionQuery, VersionStore } from './version-query.ts'
