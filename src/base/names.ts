/** Lower-case hex of a SHA-256. @see WIRE, General */
export type Hash = string & { readonly brand?: 'hash' }

/** Hash of a log's genesis entry. @see WIRE, Audience */
export type LogId = Hash

/** Hash of a public key's 32 bytes. @see WIRE, Keys and identities */
export type KeyId = Hash

/** `identity--` and the UUIDv5 of the member's first root key. @see WIRE, Keys and identities */
export type MemberId = `identity--${string}`

/** Milliseconds since 1970, an integer from 0 to 2^53 − 1. */
export type Millis = number

/** Slug of an alliance, sector or kind. */
export type Slug = string

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject

/** Any JSON object. */
export interface JsonObject {
  [name: string]: Json
}
