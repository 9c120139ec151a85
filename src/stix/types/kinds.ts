const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''))

/** Types of STIX domain objects. @see STIX 4 */
export const SDO_TYPES = words(
  `attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set location
   malware malware-analysis note observed-data opinion report threat-actor tool vulnerability`,
)

/** Types of STIX relationship objects. @see STIX 5 */
export const SRO_TYPES = words('relationship sighting')

/** Types of STIX cyber-observable objects. @see STIX 6 */
export const SCO_TYPES = words(
  `artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex
   network-traffic process software url user-account windows-registry-key x509-certificate`,
)

/** Types of STIX meta objects. @see STIX 7 */
export const META_TYPES = words('language-content marking-definition extension-definition')

/** Names that later versions of STIX may give a meaning to; no property may have them. @see STIX 3.8 */
export const RESERVED_NAMES = words('severity username phone_number action')
