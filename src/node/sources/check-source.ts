import type { MemberId, Millis } from '#base'
import { TLP_LEVEL_BY_ID } from '#stix'
import { isLoopback } from '../config.ts'
import { NodeError } from '../errors.ts'
import type { SharingRules } from '../sharing-rules.ts'
import type { Source } from './source.ts'

/**
 * Refuses addresses that need no look, settings by which nothing could ever be published, and those that would loosen what
 * TLP says.
 *
 * @throws INPUT_INVALID, and what targets are refused with
 */
export function checkSource(
  { address, tlp, to, authors = [], markings = [] }: Source,
  { rules, self, now }: { rules: SharingRules; self: MemberId; now: () => Millis },
): void {
  const { protocol, hostname, username, password } = new URL(address)
  if (protocol !== 'https:' && !isLoopback(hostname))
    throw new NodeError('INPUT_INVALID', 'address: give https; plain http is for this machine alone.')
  if (username !== '' || password !== '')
    throw new NodeError(
      'INPUT_INVALID',
      'address: leave out user and password; --user and a file or variable give them.',
    )
  rules.release({
    objects: [],
    defaults: {
      ...(tlp === undefined || tlp === 'none' ? {} : { tlp }),
      ...(to ? { to: to.map((text) => text.replace(/^member:/, 'org:')) } : {}),
    },
    now: now(),
  })
  for (const { to: author } of authors) {
    const org = rules.register().org(author)
    if (org && org.id !== self && !org.clientOf.includes(self))
      throw new NodeError(
        'INPUT_INVALID',
        `author: ${author} is another member or its client; only it publishes as itself.`,
      )
  }
  const tlpRule = markings.find(({ marking }) => TLP_LEVEL_BY_ID.has(marking))
  if (tlpRule) throw new NodeError('INPUT_INVALID', `marking: ${tlpRule.marking} is TLP's own, and means what it says.`)
}
