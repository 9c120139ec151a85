import Type from 'typebox'
import type {} from 'fastify'

/** Fragments that several routes' schemas share. */
export const SLUG_PATTERN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
export const Slug = Type.String({ pattern: SLUG_PATTERN.source })
export const HashText = Type.String({ pattern: '^[0-9a-f]{64}$' })
export const ObjectId = Type.String({ pattern: '^[a-z][a-z0-9-]{0,249}--[0-9a-fA-F-]{36}$' })
export const Time = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Milliseconds since 1970',
})
export const Tlp = Type.Union(
  (['clear', 'green', 'amber', 'amber+strict', 'red'] as const).map((level) => Type.Literal(level)),
  { description: 'TLP 2.0 level' },
)
/** Form of one target of a publication. */
export const TARGET_PATTERN = /^(alliance|community|member|org|nation|sector|kind):[A-Za-z0-9-]{1,63}$/
/** Whom a publication is for. */
export const Target = Type.String({
  pattern: TARGET_PATTERN.source,
  description: 'alliance:SLUG, community:SLUG, member:SLUG, nation:CC, sector:SLUG or kind:SLUG',
})
export const Cursor = Type.String({ maxLength: 1_024, description: '"next" of the page before' })
export const Limit = (most: number) => Type.Integer({ minimum: 1, maximum: most, default: 100 })
export const After = Type.Integer({ minimum: 0, default: 0, description: 'Sequence number of the last row known' })
export const closed = { additionalProperties: false } as const

declare module 'fastify' {
  interface FastifySchema {
    summary?: string
    description?: string
    tags?: readonly string[]
    /** Media types of the request's body where it is not JSON alone. */
    consumes?: readonly string[]
  }
}
