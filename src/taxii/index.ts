export { errorResource, TAXII_ERRORS, taxiiCodeOf, TaxiiError, type TaxiiErrorCode } from './error.ts'
export { TAXII_TYPE } from './media-type.ts'
export type { ApiRoot, Collection, OpenCollection, Status, StatusDetail, TaxiiBackend } from './resources.ts'
export { LogRows, type Row, type RowSource } from './rows.ts'
export { answerTaxii, refused, type TaxiiAnswer, type TaxiiRequest } from './server.ts'
export { openView, toCollection, type View, viewId, viewsOf } from './views.ts'
export {
  deleteRow,
  entriesAt,
  putRow,
  rowsOfObject,
  submittedRow,
  SubmittedRows,
  type SubmittedRow,
  versionsIn,
} from './submitted-rows.ts'
export { type Grant, isGranted, MAX_COLLECTIONS, type WritableCollection, WritableCollections } from './writable.ts'
export { STATUS_ID_RANDOM_BYTES, statusId } from './status-id.ts'
export { fromMicros, fromVersionKey, toMicros } from './time.ts'
