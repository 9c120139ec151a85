import { isJsonObject, type Json } from '#base'
import { parseEnvelope } from '#log'

/** Whether a record that looks like a signed statement is none. */
export function isEnvelopeDamaged(text: string): boolean {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    return true
  }
  if (!isJsonObject(value) || !('statement' in value) || !('signatures' in value)) return false
  try {
    parseEnvelope(value)
    return false
  } catch {
    return true
  }
}
