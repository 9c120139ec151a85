import { type Place, placeOf } from './attribute-table.ts'

/**
 * What each MISP object template is in STIX: a line with name, meta-category and root observable, then one line per
 * relation with its attribute type and its path; `-` for one that STIX has no property for, which becomes `x_misp_…` on
 * the root, as every relation does that is not listed.
 * @see https://www.misp-project.org/objects.html
 */
const OBJECT_LINES = `
android-app file software
  name text name
  certificate sha1 -
  domain domain -
  sha256 sha256 -
artifact file artifact
  md5 md5 hashes.MD5
  sha1 sha1 hashes.'SHA-1'
  sha256 sha256 hashes.'SHA-256'
  sha512 sha512 hashes.'SHA-512'
  ssdeep ssdeep hashes.SSDEEP
  tlsh tlsh hashes.TLSH
  mime_type mime-type mime_type
  payload_bin attachment payload_bin
  url url url
  encryption_algorithm text encryption_algorithm
  decryption_key text decryption_key
asn network autonomous-system
  asn AS number
  description text name
  country text -
  subnet-announced ip-src -
cpe-asset misc software
  cpe cpe cpe
  language text languages
  product text name
  vendor text vendor
  version text version
  description text -
credential misc user-account
  username text user_id
  password text credential
  text text -
  type text -
  origin text -
  format text -
  notification text -
directory file directory
  path text path
  path-encoding text path_enc
  creation-time datetime ctime
  modification-time datetime mtime
  access-time datetime atime
domain-ip network domain-name
  domain domain value
  ip ip-dst resolves_to_refs[*].value
  hostname hostname -
  port port -
email network email-message
  from email-src from_ref.value
  from-display-name email-src-display-name from_ref.display_name
  to email-dst to_refs[n].value
  to-display-name email-dst-display-name to_refs[n].display_name
  cc email-dst cc_refs[n].value
  cc-display-name email-dst-display-name cc_refs[n].display_name
  bcc email-dst bcc_refs[n].value
  bcc-display-name email-dst-display-name bcc_refs[n].display_name
  reply-to email-reply-to additional_header_fields.'Reply-To'~additional_header_fields.reply_to
  x-mailer email-x-mailer additional_header_fields.'X-Mailer'~additional_header_fields.x_mailer
  message-id email-message-id message_id
  subject email-subject subject
  send-date datetime date
  email-body email-body body
  header email-header received_lines
  received-header-ip ip-src -
  attachment email-attachment body_multipart[n].body_raw_ref.name
  screenshot attachment -
  user-agent text -
  mime-boundary email-mime-boundary -
  thread-index email-thread-index -
  return-path email-src -
  received-header-hostname hostname -
facebook-account misc user-account account_type=facebook
  account-id text user_id
  account-name text account_login
  link link -
  user-avatar attachment -
file file file
  md5 md5 hashes.MD5
  sha1 sha1 hashes.'SHA-1'
  sha224 sha224 hashes.SHA224~hashes.'SHA-224'
  sha256 sha256 hashes.'SHA-256'
  sha3-256 sha3-256 hashes.'SHA3-256'
  sha3-512 sha3-512 hashes.'SHA3-512'
  sha384 sha384 hashes.SHA384~hashes.'SHA-384'
  sha512 sha512 hashes.'SHA-512'
  ssdeep ssdeep hashes.SSDEEP
  authentihash authentihash hashes.AUTHENTIHASH
  tlsh tlsh hashes.TLSH
  vhash vhash hashes.VHASH
  telfhash telfhash hashes.TELFHASH
  imphash imphash hashes.IMPHASH
  filename filename name
  file-encoding text name_enc
  size-in-bytes size-in-bytes size
  mimetype mime-type mime_type
  creation-time datetime ctime
  modification-time datetime mtime
  access-time datetime atime
  path text parent_directory_ref.path
  malware-sample malware-sample content_ref
  attachment attachment -
  entropy float -
  compilation-timestamp datetime -
github-user misc user-account account_type=github
  id text user_id
  username github-username account_login
  user-fullname text display_name
  organisation github-organisation -
  profile-image attachment -
gitlab-user misc user-account account_type=gitlab
  id text user_id
  name text display_name
  username text account_login
hashlookup misc file
  FileName filename name
  FileSize size-in-bytes size
  MD5 md5 hashes.MD5
  SHA-1 sha1 hashes.'SHA-1'
  SHA-256 sha256 hashes.'SHA-256'
  SSDEEP ssdeep hashes.SSDEEP
  TLSH tlsh hashes.TLSH
  KnownMalicious text -
http-request network network-traffic protocols=tcp,http
  ip-src ip-src src_ref.value
  ip-dst ip-dst dst_ref.value
  host hostname dst_ref.value
  method http-method extensions.'http-request-ext'.request_method
  uri uri extensions.'http-request-ext'.request_value
  url url x_misp_url~extensions.'http-request-ext'.request_value
  content-type other extensions.'http-request-ext'.request_header.'Content-Type'
  cookie text extensions.'http-request-ext'.request_header.Cookie
  referer other extensions.'http-request-ext'.request_header.Referer
  user-agent user-agent extensions.'http-request-ext'.request_header.'User-Agent'
  text text -
image file file
  filename filename name
  attachment attachment content_ref
  url url content_ref.x_misp_url~content_ref.url
  image-text text -
ip-port network network-traffic
  ip-dst ip-dst dst_ref.value
  ip ip-dst dst_ref.value
  ip-src ip-src src_ref.value
  domain domain x_misp_domain~dst_ref.value
  hostname hostname x_misp_hostname~dst_ref.value
  dst-port port dst_port
  src-port port src_port
  protocol text protocols
  first-seen datetime start
  last-seen datetime end
lnk file file
  filename filename name
  path text parent_directory_ref.path
  fullpath text parent_directory_ref.path
  md5 md5 hashes.MD5
  sha1 sha1 hashes.'SHA-1'
  sha224 sha224 hashes.SHA224~hashes.'SHA-224'
  sha256 sha256 hashes.'SHA-256'
  sha384 sha384 hashes.SHA384~hashes.'SHA-384'
  sha512 sha512 hashes.'SHA-512'
  ssdeep ssdeep hashes.SSDEEP
  tlsh tlsh hashes.TLSH
  malware-sample malware-sample content_ref
  size-in-bytes size-in-bytes size
  lnk-creation-time datetime ctime
  lnk-modification-time datetime mtime
  lnk-access-time datetime atime
mutex misc mutex
  name text name
  description text -
  operating-system text -
netflow network network-traffic protocols=tcp
  ip-src ip-src src_ref.value
  ip-dst ip-dst dst_ref.value
  src-as AS src_ref.belongs_to_refs[0].number
  dst-as AS dst_ref.belongs_to_refs[0].number
  src-port port src_port
  dst-port port dst_port
  protocol text protocols
  first-packet-seen datetime start
  last-packet-seen datetime end
  byte-count counter src_byte_count
  packet-count counter src_packets
  tcp-flags text extensions.'tcp-ext'.src_flags_hex
network-connection network network-traffic
  ip-src ip-src src_ref.value
  ip-dst ip-dst dst_ref.value
  hostname-src hostname x_misp_hostname_src~src_ref.value
  hostname-dst hostname x_misp_hostname_dst~dst_ref.value
  src-port port src_port
  dst-port port dst_port
  layer3-protocol text protocols
  layer4-protocol text protocols
  layer7-protocol text protocols
  first-packet-seen datetime start
network-socket network network-traffic
  ip-src ip-src src_ref.value
  ip-dst ip-dst dst_ref.value
  hostname-src hostname x_misp_hostname_src~src_ref.value
  hostname-dst hostname x_misp_hostname_dst~dst_ref.value
  src-port port src_port
  dst-port port dst_port
  protocol text protocols
  address-family text extensions.'socket-ext'.address_family
  socket-type text extensions.'socket-ext'.socket_type
  state text extensions.'socket-ext'.is_listening
  domain-family text -
network-traffic network network-traffic
  src_ip ip-src src_ref.value
  dst_ip ip-dst dst_ref.value
  src_port port src_port
  dst_port port dst_port
  protocol text protocols
  src_byte_count size-in-bytes src_byte_count
  dst_byte_count size-in-bytes dst_byte_count
  src_packets counter src_packets
  dst_packets counter dst_packets
parler-account misc user-account account_type=parler
  account-id text user_id
  account-name text account_login
  human boolean -
  profile-photo attachment -
process misc process
  parent-pid text parent_ref.pid
  parent-command-line text parent_ref.command_line
  parent-image filename parent_ref.image_ref.name
  parent-process-name text parent_ref.x_misp_process_name
  parent-process-path text parent_ref.x_misp_process_path
  parent-guid text parent_ref.x_misp_guid
  child-pid text child_refs[n].pid
  image filename image_ref.name
  pid text pid
  command-line text command_line
  current-directory text cwd
  creation-time datetime created_time
  hidden boolean is_hidden
  name text -
  port port -
  guid text -
reddit-account misc user-account account_type=reddit
  account-id text user_id
  account-name text account_login
  description text -
  account-avatar attachment -
registry-key file windows-registry-key
  key regkey key
  name text values[0].name
  data text values[0].data
  data-type text values[0].data_type
  last-modified datetime modified_time
  hive text -
  root-keys text -
registry-key-value file windows-registry-key
  name text values[0].name
  data text values[0].data
  data-type text values[0].data_type
software misc software
  name text name
  cpe cpe cpe
  swid text swid
  language text languages
  vendor text vendor
  version text version
  description text -
telegram-account misc user-account account_type=telegram
  id text user_id
  username text account_login
  phone text -
twitter-account misc user-account account_type=twitter
  id text user_id
  name text account_login
  displayed-name text display_name
  followers text -
  profile-image attachment -
url network url
  url url value
  domain domain -
  host hostname -
  ip ip-dst -
  port port -
user-account misc user-account
  username text account_login
  user-id text user_id
  display-name text display_name
  password text credential
  account-type text account_type
  created datetime account_created
  expires datetime account_expires
  first_login datetime account_first_login
  last_login datetime account_last_login
  password_last_changed datetime credential_last_changed
  can_escalate_privs boolean can_escalate_privs
  disabled boolean is_disabled
  is_service_account boolean is_service_account
  privileged boolean is_privileged
  group text extensions.'unix-account-ext'.groups
  group-id text extensions.'unix-account-ext'.gid
  home_dir text extensions.'unix-account-ext'.home_dir
  shell text extensions.'unix-account-ext'.shell
  user-avatar attachment -
  link link -
  description text -
x509 network x509-certificate
  x509-fingerprint-md5 x509-fingerprint-md5 hashes.MD5
  x509-fingerprint-sha1 x509-fingerprint-sha1 hashes.'SHA-1'
  x509-fingerprint-sha256 x509-fingerprint-sha256 hashes.'SHA-256'
  issuer text issuer
  subject text subject
  serial-number text serial_number
  signature_algorithm text signature_algorithm
  version text version
  self_signed boolean is_self_signed
  validity-not-before datetime validity_not_before
  validity-not-after datetime validity_not_after
  pubkey-info-algorithm text subject_public_key_algorithm
  pubkey-info-exponent text subject_public_key_exponent
  pubkey-info-modulus text subject_public_key_modulus
  pem text -
  raw-base64 text -
`

/** A relation of a template: the type of its attributes, and their place if STIX has one. */
export interface Relation {
  type: string
  place?: Place
}

/** How a template of MISP objects is written in STIX. */
export interface ObjectShape {
  name: string
  category: string
  root: string
  /** Properties of the root that follow from the template itself. */
  constants: ReadonlyMap<string, string>
  relations: ReadonlyMap<string, Relation>
}

/** How each template of objects is written in STIX, by its name. */
export const OBJECT_SHAPES: ReadonlyMap<string, ObjectShape> = parseTable(OBJECT_LINES)

function parseTable(lines: string): Map<string, ObjectShape> {
  const shapes = new Map<string, ObjectShape>()
  let relations = new Map<string, Relation>()
  let root = ''
  for (const line of lines.trim().split('\n')) {
    const words = line.trim().split(/\s+/)
    if (line.startsWith(' ')) {
      const [relation = '', type = '', path = '-'] = words
      relations.set(relation, path === '-' ? { type } : { type, place: placeOf(path, root) })
      continue
    }
    const [name = '', category = '', of = '', ...constants] = words
    root = of
    relations = new Map()
    const pairs = constants.map((constant) => constant.split('=') as [string, string])
    shapes.set(name, { name, category, root, constants: new Map(pairs), relations })
  }
  return shapes
}
