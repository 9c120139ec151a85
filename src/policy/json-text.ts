import type { Json } from '#base'

/** The text that a JSON value is; anything else is the empty text, which is nobody's id. */
export const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
