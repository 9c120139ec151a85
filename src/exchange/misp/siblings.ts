import type { JsonObject } from '#base'

/** Objects of one event by uuid, so that those which refer to others find them. */
export type Siblings = ReadonlyMap<string, JsonObject>
