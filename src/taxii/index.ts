export { errorResource, TAXII_ERRORS, taxiiCodeOf, TaxiiError, type TaxiiErrorCode } from './error.ts'
export { TAXII_TYPE } from './media-type.ts'
export type { ApiRoot, Collection, OpenCollection, Status, StatusDetail, TaxiiBackend } from './resources.ts'
export { LogRows, type Row, type RowSource } from './rows.ts'
export { answerTaxii, refused, type TaxiiAnswer, type TaxiiRequest } from './server.ts'
export { openView, toCollection, type View, viewId, viewsOf } from './views.ts'
export {
  addRow,
  type KeyedRow,
  deleteRow,
  entriesAt,
  rowsOfObject,
  SubmittedRows,
  type SubmittedRow,
  versionsIn,
} from './submitted-rows.ts'
export { type Grant, isGranted, MAX_COLLECTIONS, type WritableCollection, WritableCollections } from './writable.ts'
export { STATUS_ID_RANDOM_BYTES, statusId } from './status-id.ts'
export { addedKey } from './page.ts'
export { fromMicros, fromVersionKey, toMicros } from './time.ts'
export { collectionsAt, findCollection, type RemoteCollection } from './client/discover.ts'
export type { ClientOptions, ClientRequest, ClientResponse } from './client/client-options.ts'
export { TaxiiClientError, type TaxiiClientErrorCode } from './client/error.ts'
export { TaxiiHttp } from './client/http.ts'
export type { PulledObject, UnreadableObject } from './client/page.ts'
export { type MarkingRule, parseObjects, SourceMarkings } from './client/markings.ts'
export { type Position, type PulledPage, pullPages } from './client/pull.ts'
export { follow, push, type Pushed, type Submitted, toSubmissions } from './client/push.ts'
