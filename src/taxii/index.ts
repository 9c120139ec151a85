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
export { collectionsAt, type RemoteCollection } from './client/discover.ts'
export { TaxiiClientError, type TaxiiClientErrorCode } from './client/error.ts'
export { type ClientOptions, TaxiiHttp } from './client/http.ts'
export { type Position, type PulledPage, pullPages, type PullOptions } from './client/pull.ts'
export { push, type Pushed, toSubmissions } from './client/push.ts'
