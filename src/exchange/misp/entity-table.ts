/**
 * MISP object templates that are domain objects of STIX: a line with the name, the STIX type and fixed properties, then
 * one per relation with its attribute type and its property. `[]` is a list, `+` joins words, `@contact` collects lines of
 * contact information, `@cve`, `@capec` and `@url` are external references, `*1000` is a factor.
 */
const ENTITY_LINES = `
attack-pattern attack-pattern
  id text @capec
  name text name
  summary text description
course-of-action course-of-action
  name text name
  description text description
employee identity identity_class=individual
  full-name full-name name
  first-name first-name name+
  last-name last-name name+
  text text description
  employee-type text roles[]
  email-address target-email @contact
geolocation location
  address text street_address
  zipcode text postal_code
  city text city
  countrycode text country
  region text region
  latitude float latitude
  longitude float longitude
  accuracy-radius float precision*1000
  text text description
identity identity
  name text name
  contact_information text contact_information
  description text description
  identity_class text identity_class
  roles text roles[]
  sectors text sectors[]
intrusion-set intrusion-set
  name text name
  description text description
  aliases text aliases[]
  goals text goals[]
  first_seen datetime first_seen
  last_seen datetime last_seen
  resource_level text resource_level
  primary-motivation text primary_motivation
  secondary-motivation text secondary_motivations[]
legal-entity identity identity_class=organization
  name text name
  text text description
  business text sectors[]
  phone-number phone-number @contact
  website link @contact
news-agency identity identity_class=organization
  name text name
  address text @contact
  e-mail email-src @contact
  phone-number phone-number @contact
  fax-number phone-number @contact
  link link @contact
organization identity identity_class=organization
  name text name
  description text description
  role text roles[]
  address text @contact
  e-mail email-src @contact
  phone-number phone-number @contact
  fax-number phone-number @contact
person identity identity_class=individual
  full-name text name
  first-name first-name name+
  middle-name middle-name name+
  last-name last-name name+
  text text description
  role text roles[]
  address text @contact
  e-mail email-src @contact
  phone-number phone-number @contact
  fax-number phone-number @contact
vulnerability vulnerability
  id vulnerability @cve
  description text description
  summary text description
  references link @url
malware-analysis malware-analysis
  product text product
  version text version
  configuration_version text configuration_version
  module text modules[]
  analysis_engine_version text analysis_engine_version
  analysis_definition_version text analysis_definition_version
  submitted_time datetime submitted
  start_time datetime analysis_started
  end_time datetime analysis_ended
  result_name text result_name
  result text result
annotation note
  text text content
`

/** Objects that hold one rule of detection: the relation of the rule, its language, and those of its name. */
export const RULE_OBJECTS: ReadonlyMap<
  string,
  { rule: string; type: string; language: string; names: readonly string[] }
> = new Map([
  ['sigma', { rule: 'sigma', type: 'sigma', language: 'sigma', names: ['sigma-rule-name'] }],
  ['yara', { rule: 'yara', type: 'yara', language: 'yara', names: ['yara-rule-name'] }],
  ['suricata', { rule: 'suricata', type: 'suricata', language: 'suricata', names: ['suricata-rule-name'] }],
  ['nova-rule', { rule: 'raw-rule', type: 'text', language: 'nova', names: ['rule-name'] }],
  ['owasp-crs-rule', { rule: 'raw-rule', type: 'text', language: 'crs', names: ['rule-id'] }],
  ['wazuh-rule', { rule: 'wazuh-rule', type: 'text', language: 'wazuh', names: ['rule-id'] }],
])

/** One relation of a domain object. */
export interface EntityField {
  type: string
  property: string
}

/** How a template is a domain object. */
export interface EntityShape {
  name: string
  type: string
  constants: ReadonlyMap<string, string>
  fields: ReadonlyMap<string, EntityField>
}

/** How templates are domain objects, by their name. */
export const ENTITY_SHAPES: ReadonlyMap<string, EntityShape> = parseEntities(ENTITY_LINES)

function parseEntities(lines: string): Map<string, EntityShape> {
  const shapes = new Map<string, EntityShape>()
  let fields = new Map<string, EntityField>()
  for (const line of lines.trim().split('\n')) {
    const [first = '', second = '', ...rest] = line.trim().split(/\s+/)
    if (line.startsWith(' ')) {
      fields.set(first, { type: second, property: rest[0] ?? '' })
      continue
    }
    fields = new Map()
    shapes.set(first, {
      name: first,
      type: second,
      constants: new Map(rest.map((one) => one.split('=') as [string, string])),
      fields,
    })
  }
  return shapes
}
