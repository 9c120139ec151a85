/** Every reason there is, with the one sentence that user interface, command line, audit trail and drills show for it. */
const SENTENCES = {
  RECIPIENT_SUSPENDED: 'The recipient is not in the register, or its standing is not active.',
  UNKNOWN_MARKING: 'A marking of the object cannot be resolved or is not understood, so the object stays closed.',
  UNMARKED: 'The object carries no TLP level, so it stays closed.',
  COMMUNITY_CONFLICT: 'Two markings of the object name different communities, so nobody can tell whose it is.',
  CHANNEL: 'The object needs an authenticated channel: a link between nodes, or an identified organisation over TLS.',
  RECIPIENT_CAP: 'The level is above the highest one that the recipient may receive under the charter.',
  LEGACY_TLP: 'The recipient speaks TLP 1.0 only, which has no AMBER+STRICT.',
  TO_SOURCE: 'The recipient is the source of the object and gets its own bytes back.',
  EMBARGO: 'The object is under embargo, and the recipient is not one of its co-authors.',
  REL_NATION: 'The object is releasable to named nations, and the recipient is of none of them.',
  REL_ORG: 'The object is releasable to named organisations, and the recipient is none of them.',
  REL_ALLIANCE:
    'The object is releasable to members of named alliances, and the recipient is a member of none of them.',
  REL_SECTOR: 'The object is releasable to named sectors, and the recipient is in none of them.',
  REL_KIND: 'The object is releasable to named kinds of organisation, and the recipient is of none of them.',
  SOURCE_GRANT: 'The source granted this version of the object to the recipient by name.',
  RED_NAMED: 'The recipient is a named participant of this RED object.',
  RED_NOT_NAMED: 'The recipient is not a named participant of this RED object.',
  RED_NO_ONWARD: 'A RED object is delivered by its source only, never passed on.',
  DIST_LIST: 'The recipient is on the distribution list of the object.',
  NOT_ON_LIST: 'The object has a distribution list, and the recipient is not on it.',
  ALLIANCE: 'The recipient is a member of an alliance that it shares with the source.',
  NOT_IN_SCOPE: 'The recipient shares no alliance with the source and is not its client.',
  STRICT_NO_ONWARD: 'An AMBER+STRICT object stays in the organisation that received it.',
  AMBER_CLIENT: 'The recipient is a client of the sender, and AMBER reaches an organisation and its clients.',
  AMBER_NOT_CLIENT: 'A relay passes AMBER to its own clients only, and the recipient is not one.',
  AMBER_CLIENT_NO_ONWARD: 'The sender got this AMBER object as a client, and a client does not pass AMBER on.',
  COMMUNITY: 'The recipient is a member of the community of the source, or a client of a member.',
  GREEN_PUBLIC: 'A GREEN object never goes to a public channel.',
  GREEN_DEFAULT_COMMUNITY:
    'The recipient belongs to the cyber-defence community, to which the sender opens its GREEN objects.',
  NOT_IN_COMMUNITY: 'The recipient is neither in the community of the object nor a client of one of its members.',
  CLEAR: 'A CLEAR object may go to the world.',
  PROVIDER: 'The source is a client of the recipient, and a client can always report to its provider.',
  REDACT_REQUIRED: 'What would have to be cut is required by the type of the object, so the whole object is withheld.',
  LEGACY_CAVEAT:
    'A caveat binds the object, and the recipient is not known to understand caveats, so would pass it on without.',
  DRILL: 'The object belongs to a drill that is not accepted here now.',
} as const

/** A reason without its selector. */
export type ReasonName = keyof typeof SENTENCES

/** Why something is sent or not; `REDACT_REQUIRED` names the selector. */
export type ReasonCode = Exclude<ReasonName, 'REDACT_REQUIRED'> | `REDACT_REQUIRED:${string}`

/** Every reason, without selectors. */
export const REASONS = Object.keys(SENTENCES) as ReasonName[]

/** One English sentence for a reason. */
export function explain(code: ReasonCode): string {
  const [name, selector] = splitAtColon(code)
  const sentence = SENTENCES[name as ReasonName]
  return selector === '' ? sentence : `${sentence.slice(0, -1)}: ${selector}.`
}

function splitAtColon(code: string): [string, string] {
  const at = code.indexOf(':')
  return at < 0 ? [code, ''] : [code.slice(0, at), code.slice(at + 1)]
}
