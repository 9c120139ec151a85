/** Forms of the names and addresses that cyber-observable objects carry as their value. */

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}(?:/(?:3[0-2]|[12]?\\d))?$`)
/** An IPv4 address within an IPv6 one, where no octet has leading zeros. @see RFC 4291 section 2.2, RFC 3986 section 3.2.2 */
const DOTTED = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/
const IPV6_PREFIX = /^(?:12[0-8]|1[01]\d|[1-9]?\d)$/
/** Eight groups or six and a dotted address, and the prefix length. */
const LONGEST_IPV6_CHARACTERS = 49
const GROUP = /^[0-9a-fA-F]{1,4}$/
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/
/** Letters of every script stand for themselves (U-labels of RFC 5890); of ASCII only letters, digits, - and _. */
const LABEL = /^(?:[\p{L}\p{N}\p{M}_-]{1,63}|\*)$/u
const DOMAIN_LIMIT_CHARACTERS = 253
const EMAIL = /^(?:"[^"\r\n]{1,200}"|[^\s@<>"]{1,320})@(?:\[[^\s\]]{1,64}\]|[^\s@<>]{1,253})$/

/** Whether the text is one IPv4 address or a CIDR range of them. */
export const isIpv4 = (text: string): boolean => IPV4.test(text)

/** Whether the text is one IPv6 address or a CIDR range of them, in any of the forms of RFC 4291. */
export function isIpv6(text: string): boolean {
  if (text.length > LONGEST_IPV6_CHARACTERS) return false
  const slash = text.indexOf('/')
  if (slash >= 0 && !IPV6_PREFIX.test(text.slice(slash + 1))) return false
  const address = slash < 0 ? text : text.slice(0, slash)
  const halves = address.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)
  // Only at the end: `192.0.2.1::` is no address.
  const dotted = last !== undefined && last.includes('.') && address.endsWith(last)
  if (dotted && !DOTTED.test(last)) return false
  if (!(dotted ? groups.slice(0, -1) : groups).every((group) => GROUP.test(group))) return false
  const count = groups.length + (dotted ? 1 : 0)
  return halves.length === 2 ? count < 8 : count === 8
}

/** Whether the text is a lower-case MAC-48 address with colons and leading zeros. */
export const isMac = (text: string): boolean => MAC.test(text)

/** Whether the text is a domain name: labels of 1 to 63 characters; a trailing dot and underscores are allowed. */
export function isDomainName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  return (
    name.length > 0 && name.length <= DOMAIN_LIMIT_CHARACTERS && name.split('.').every((label) => LABEL.test(label))
  )
}

/** Whether the text is an addr-spec of RFC 5322, without a display name. */
export const isEmailAddress = (text: string): boolean => EMAIL.test(text)
