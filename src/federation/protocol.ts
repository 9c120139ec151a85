import type { Slug } from '#base'
import { isSlug } from '#log'

/** Header that names the version of the link protocol which a request or an answer follows. */
export const PROTOCOL_HEADER = 'noroshi-protocol'

/** Header of a refusal: alliances of which the reader named a charter that is not known here, and which it may bring. */
export const LACKS_HEADER = 'noroshi-lacks'
/** Longest such header that is read, in characters. */
const LACKS_MOST = 4_096

/** Alliances that such a header names; whatever has not its form names none. */
export function lacksIn(header: string | undefined): Slug[] {
  if (header === undefined || header.length > LACKS_MOST) return []
  return header.split(' ').filter((name) => isSlug(name))
}

/** The version that this node follows: `<major>.<minor>`. */
export const PROTOCOL = '1.3'

/** What a header that is absent stands for: the version before the header was. */
const FIRST = '1.0'
const FORM = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/

/**
 * Why this node can't speak that version; undefined where it can. Minor versions add what others pass over, so every one
 * of the same major version will do, higher ones too.
 * @see docs/wire.md, Versions
 */
export function whyNotProtocol(version: string = FIRST): string | undefined {
  const [, major] = FORM.exec(version) ?? []
  if (major === undefined) return 'names a protocol version that is none'
  return major === PROTOCOL.split('.')[0]
    ? undefined
    : `speaks protocol ${version}, this node ${PROTOCOL}: the older of the two must be updated`
}
