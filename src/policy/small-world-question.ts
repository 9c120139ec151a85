// One question to decide() in the small world, written in few words.
import type { JsonObject } from '#base'
import { TLP_1_MARKINGS, TLP_2_MARKINGS } from '#stix'
import { decide, type SendContext } from './decide.ts'
import type { Organisation } from './register.ts'
import { Definitions } from './resolve.ts'
import { caveat, indicator, smallWorld, tlp } from './small-world.ts'
import type { Level } from './tlp.ts'
import { textOf } from './json-text.ts'

/** When the tests ask. */
export const NOW = '2026-06-01T00:00:00.000Z'

/** One question to decide(); what is left out is JP sending its own object to US over a link. */
export interface Case {
  from?: string
  to?: string
  source?: string
  level?: Level | undefined
  /** Noroshi's extension, one marking each. */
  caveats?: JsonObject[]
  orgs?: Record<string, Partial<Organisation>>
  context?: SendContext
  object?: JsonObject
  now?: string
}

/** Asks decide(). */
export function ask({
  from = 'jp',
  to = 'us',
  source = 'jp',
  level,
  caveats = [],
  orgs,
  context,
  object,
  now = NOW,
}: Case) {
  const own = caveats.map((extension, index) => caveat(`caveat-${index}`, extension))
  const ids = [...(level ? [tlp(level)] : []), ...own.map(({ id }) => textOf(id))]
  return decide({
    now,
    from,
    to,
    source,
    object: { ...indicator('one', ids), ...object },
    register: smallWorld(orgs),
    definitions: new Definitions([...TLP_2_MARKINGS, ...TLP_1_MARKINGS, ...own]),
    context: { channel: 'node', ...context },
  })
}

/** A grant by JP to US for the object of the question. */
export const GRANT = { object: textOf(indicator('one', [])['id']), by: 'jp', to: ['us'] }
/** Version of the object of the question. */
export const VERSION = '2026-01-01T00:00:00.000Z'
