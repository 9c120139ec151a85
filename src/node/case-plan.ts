import { type JsonObject, utf8 } from '#base'
import type { CasePlan } from '#casework'
import { NodeError } from './errors.ts'
import type { RawObject } from './raw-objects.ts'
import type { AlliancePreview } from './submissions.ts'

/** The plan of what a preview shows. @throws INPUT_INVALID where something would be refused, or nothing is left */
export function toPlan(previews: readonly AlliancePreview[], time: number): CasePlan {
  const refused = previews.flatMap((preview) => preview.refused)
  if (refused.length > 0) throw new NodeError('INPUT_INVALID', refusalText(refused))
  const empty = previews.find(({ publications }) => !publications.some(({ form }) => form === 'base'))
  if (empty)
    throw new NodeError(
      'INPUT_INVALID',
      `Nothing would be left for ${empty.alliance}; look at the preview, and keep or replace what is not the source's.`,
    )
  const counts: CasePlan['protected'] = {}
  for (const { kind } of previews[0]?.findings ?? []) counts[kind] = (counts[kind] ?? 0) + 1
  const publications = previews.flatMap((preview) =>
    preview.publications.map((one) => ({ ...one, recipients: one.recipients.map(({ slug }) => slug), places: [] })),
  )
  return { time, publications, protected: counts }
}

/** What is refused, in a sentence. */
export const refusalText = (refused: readonly { id: string; code: string; message: string }[]) =>
  `Of what would be published, ${refused.length} objects are refused; ${refused[0]?.id}: ${refused[0]?.code}: ${refused[0]?.message}`

/** The objects of a publication as they are published. */
export const rawOf = ({ objects }: { objects: readonly JsonObject[] }): RawObject[] =>
  objects.map((value) => ({ value, bytes: utf8(JSON.stringify(value)) }))
