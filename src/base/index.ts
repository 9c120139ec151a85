export { NoroshiError } from './error.ts'
export type { Hash, Json, JsonObject, KeyId, LogId, MemberId, Millis, Slug } from './names.ts'
export { canonicalJson, isJsonObject, JSON_MAX_BYTES, JSON_MAX_DEPTH, type JsonLimits, parseJson } from './json.ts'
export { JsonError, type JsonErrorCode } from './json-error.ts'
export {
  compareTimestamps,
  parseTimestamp,
  type Timestamp,
  TimestampError,
  timestampKey,
  timestampMillis,
  toTimestamp,
} from './timestamp.ts'
export {
  concat,
  EncodingError,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  isHash,
  sha256,
  sha256Hex,
  toBase64,
  toHex,
  utf8,
} from './bytes.ts'
export { uuid5 } from './uuid.ts'
