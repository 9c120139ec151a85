/** Codes of findings, one for each kind of rule; the section names the rule itself. */
export type FindingCode =
  | 'WRONG_TYPE'
  | 'MISSING_PROPERTY'
  | 'FORBIDDEN_PROPERTY'
  | 'EMPTY_LIST'
  | 'EMPTY_OBJECT'
  | 'NULL_VALUE'
  | 'INVALID_VALUE'
  | 'OUT_OF_RANGE'
  | 'NOT_IN_ENUMERATION'
  | 'INVALID_ID'
  | 'INVALID_REFERENCE'
  | 'INVALID_TIMESTAMP'
  | 'TIME_ORDER'
  | 'INVALID_HASH'
  | 'INVALID_PATTERN'
  | 'INVALID_SELECTOR'
  | 'INVALID_EXTENSION'
  | 'INVALID_MARKING'
  | 'INVALID_RELATIONSHIP'
  | 'INVALID_NAME'
  | 'INVALID_LANGUAGE'
  | 'PROPERTY_COMBINATION'
  | 'DUPLICATE_OBJECT'
  | 'VERSION_CONFLICT'
  | 'TOO_DEEP'
  | 'TOO_MANY_FINDINGS'
  | 'NOT_IN_VOCABULARY'
  | 'CUSTOM_PROPERTY'
  | 'CUSTOM_TYPE'
  | 'NAMING'
  | 'DETERMINISTIC_ID'
  | 'RECOMMENDED'

/** One thing that is wrong with an object. */
export interface Finding {
  code: FindingCode
  /** Where, in the form of a granular-marking selector (`external_references.[0].url`); '' is the object itself. */
  path: string
  /** What is wrong, and what would be right. */
  message: string
  /** Section of the STIX 2.1 specification that says so. */
  section: string
}

/** What validation found out about one object or bundle. */
export interface Report {
  id?: string
  type?: string
  /** No error; warnings don't count. */
  valid: boolean
  /** Broken MUSTs, all of them, in the order of the object's properties. */
  errors: readonly Finding[]
  /** Broken SHOULDs; filled under `strict` only. */
  warnings: readonly Finding[]
}
