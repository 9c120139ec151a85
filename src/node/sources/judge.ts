/**
 * What becomes of a source's objects before they are published: who made them, and what their markings mean here. What is
 * not understood, or claims another member as its creator, waits for the operator.
 * @see SHARING-RULES sections 1 and 5
 */
import { type JsonObject, utf8 } from '#base'
import type { Level, Register } from '#policy'
import type { SourceMarkings } from '#taxii'
import type { RawObject } from '../raw-objects.ts'

/** An object as the source wrote it. */
export interface Came extends RawObject {
  /** Its id and version. */
  key: string
}

/** An object that can be published, and the marking-definitions that go with it. */
export interface Judged extends RawObject {
  came: Came
  definitions: readonly JsonObject[]
}

/** Why an object waits. */
export interface Held {
  came: Came
  code: string
  message: string
  /** The marking that is not understood. */
  marking?: string
}

/** Judges one object; `level` is what an operator says that markings mean which are not understood. */
export function judge(
  came: Came,
  {
    authors,
    register,
    markings,
    level,
  }: { authors: ReadonlyMap<string, string>; register: Register; markings: SourceMarkings; level?: Level },
): Judged | Held {
  const made = byAuthor(came, authors, register)
  if ('code' in made) return made
  const read = markings.translate(made, level)
  if ('unknown' in read)
    return {
      came,
      code: 'UNKNOWN_MARKING',
      message: `Its marking ${read.unknown} is not understood; noroshi taxii source change --marking says what it means.`,
      marking: read.unknown,
    }
  return { came, bytes: read.bytes, value: read.value, definitions: read.definitions }
}

/** A creator that the operator mapped becomes that identity; another that a charter names is not believed. */
function byAuthor(came: Came, authors: ReadonlyMap<string, string>, register: Register): RawObject | Held {
  const { value, bytes } = came
  const { created_by_ref: creator, id, type } = value
  const org = type === 'identity' && typeof id === 'string' ? register.org(id) : undefined
  if (org) return claimed(came, `It describes ${org.slug}, which a charter names`)
  if (typeof creator !== 'string') return { value, bytes }
  const to = authors.get(creator)
  if (to !== undefined) {
    const changed = { ...value, created_by_ref: to }
    return { value: changed, bytes: utf8(JSON.stringify(changed)) }
  }
  const known = register.org(creator)
  return known ? claimed(came, `It says that ${known.slug} made it, which a charter names`) : { value, bytes }
}

const claimed = (came: Came, what: string): Held => ({
  came,
  code: 'NOT_OWNER',
  message: `${what}: only that member, or who serves it, publishes such objects. noroshi taxii source change --author maps a creator.`,
})
