/**
 * What each MISP attribute type is in STIX: the root observable, then the path of each of its parts (`a|b` has two).
 * A path after `~` is the one that patterns use. The same lines are read in both directions.
 *
 * `domain|ip` with `circl.lu|149.13.33.14` is `[domain-name:value = 'circl.lu' AND domain-name:resolves_to_refs[*].value =
 * '149.13.33.14']` and a domain-name that resolves to an ipv4-addr.
 * @see https://www.misp-standard.org/rfc/misp-standard-core.html#name-attribute
 */
const ATTRIBUTE_LINES = `
AS                       autonomous-system    number
attachment               file                 name  content_ref.payload_bin
authentihash             file                 hashes.AUTHENTIHASH
cdhash                   file                 hashes.CDHASH
domain                   domain-name          value
domain|ip                domain-name          value  resolves_to_refs[*].value
email                    email-addr           value
email-attachment         email-message        body_multipart[*].body_raw_ref.name
email-body               email-message        body
email-dst                email-message        to_refs[*].value
email-header             email-message        received_lines
email-message-id         email-message        message_id
email-reply-to           email-message        additional_header_fields.'Reply-To'~additional_header_fields.reply_to
email-src                email-message        from_ref.value
email-subject            email-message        subject
email-x-mailer           email-message        additional_header_fields.'X-Mailer'~additional_header_fields.x_mailer
eppn                     user-account         user_id
filename                 file                 name
github-username          user-account         account_login
hostname                 domain-name          value
hostname|port            domain-name          value  network-traffic:dst_port
http-method              network-traffic      !extensions.'http-request-ext'.request_method
imphash                  file                 hashes.IMPHASH
impfuzzy                 file                 hashes.IMPFUZZY
ip-dst                   network-traffic      dst_ref.value
ip-dst|port              network-traffic      dst_ref.value  dst_port
ip-src                   network-traffic      src_ref.value
ip-src|port              network-traffic      src_ref.value  src_port
link                     url                  value
mac-address              mac-addr             value
mac-eui-64               mac-addr             value
malware-sample           file                 name  hashes.MD5
md5                      file                 hashes.MD5
mime-type                file                 mime_type
mutex                    mutex                name
pehash                   file                 hashes.PEHASH
port                     network-traffic      !dst_port
process-state            process              !x_misp_process_state
regkey                   windows-registry-key key
regkey|value             windows-registry-key key  values[0].data~values.data
sha1                     file                 hashes.'SHA-1'
sha224                   file                 hashes.SHA224~hashes.'SHA-224'
sha256                   file                 hashes.'SHA-256'
sha3-224                 file                 hashes.SHA3224~hashes.'SHA3-224'
sha3-256                 file                 hashes.'SHA3-256'
sha3-384                 file                 hashes.SHA3384~hashes.'SHA3-384'
sha3-512                 file                 hashes.'SHA3-512'
sha384                   file                 hashes.SHA384~hashes.'SHA-384'
sha512                   file                 hashes.'SHA-512'
sha512/224               file                 hashes.SHA224~hashes.'SHA-224'
sha512/256               file                 hashes.'SHA-256'
size-in-bytes            file                 !size
ssdeep                   file                 hashes.SSDEEP
telfhash                 file                 hashes.TELFHASH
tlsh                     file                 hashes.TLSH
uri                      url                  value
url                      url                  value
user-agent               network-traffic      !extensions.'http-request-ext'.request_header.'User-Agent'
vhash                    file                 hashes.VHASH
x509-fingerprint-md5     x509-certificate     hashes.MD5
x509-fingerprint-sha1    x509-certificate     hashes.'SHA-1'
x509-fingerprint-sha256  x509-certificate     hashes.'SHA-256'
`

/** A place in an observable: the path for objects, and the one that patterns use. */
export interface Place {
  path: string
  patternPath: string
}

/** How a type of attribute is written in STIX. */
export interface AttributeShape {
  root: string
  parts: readonly Place[]
  /** Patterns alone: no object of STIX carries just this. */
  patternOnly: boolean
}

/** Attribute types whose value is a detection rule, with the name of its language. */
export const RULE_TYPES: ReadonlyMap<string, string> = new Map([
  ['sigma', 'sigma'],
  ['snort', 'snort'],
  ['suricata', 'suricata'],
  ['yara', 'yara'],
])

/** Place of a table's word, below a root. */
export function placeOf(word: string, root: string): Place {
  const [path = '', patternPath = path] = word.split('~')
  const qualified = (one: string) => (one.includes(':') ? one : `${root}:${one}`)
  return { path: qualified(path), patternPath: qualified(patternPath) }
}

const SIMPLE = ATTRIBUTE_LINES.trim()
  .split('\n')
  .map((line): [string, AttributeShape] => {
    const [type = '', root = '', ...words] = line.trim().split(/\s+/)
    const patternOnly = words[0]?.startsWith('!') === true
    return [type, { root, patternOnly, parts: words.map((word) => placeOf(word.replace('!', ''), root)) }]
  })

const NAMED = SIMPLE.filter(([, { parts }]) => isHash(parts)).map(([type, shape]): [string, AttributeShape] => [
  `filename|${type}`,
  { ...shape, parts: [placeOf('name', 'file'), ...shape.parts] },
])

function isHash(parts: readonly Place[]): boolean {
  return parts.length === 1 && parts[0]?.path.startsWith('file:hashes.') === true
}

/** How each type of attribute is written in STIX; `filename|HASH` follows from HASH. */
export const ATTRIBUTE_SHAPES: ReadonlyMap<string, AttributeShape> = new Map([...SIMPLE, ...NAMED])
