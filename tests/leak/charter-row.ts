// A planned charter's rules and rows as they stand in a charter.
import type { MemberId } from '#base'
import type { CharterMember } from '#log'
import type { MadeMember } from '../../src/federation/simulation/members.ts'
import { type Charter, CLIENTS, type Row } from './world-plan.ts'

export const charterRules = (
  { greenDefault, carriers, observers, candidates }: Charter,
  idOf: (slug: string) => MemberId,
) => ({
  quorum: 'majority' as const,
  receipts: 'author' as const,
  greenDefault,
  carriers: carriers.map(idOf).sort(),
  ...(observers ? { observers } : {}),
  ...(candidates ? { candidates } : {}),
})

export function charterRow(
  { standing, clients, maxTlp, oldTlp, ignoresCaveats, cyber }: Row,
  profile: MadeMember['self']['profile'],
  time: number,
  address?: string,
): CharterMember {
  return {
    ...profile,
    standing,
    ...(standing === 'left' ? { left: time } : {}),
    ...(address === undefined ? {} : { address }),
    ...(maxTlp ? { maxTlp } : {}),
    ...(oldTlp ? { tlpVersion: '1.0' as const } : {}),
    ...(ignoresCaveats ? { caveats: [] } : {}),
    ...(cyber ? { cyberCommunity: true } : {}),
    clients: clients
      .map((slug) => {
        const { nation, kind, sectors } = CLIENTS.find((client) => client.slug === slug) as (typeof CLIENTS)[number]
        return { id: clientId(slug), slug, name: slug, nation, kind, sectors: [...sectors].sort() }
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  }
}

/** The id of a client, which has no keys. */
export const clientId = (slug: string): MemberId =>
  `identity--c11e0000-0000-5000-8000-${Buffer.from(slug.padEnd(6)).toString('hex').slice(0, 12)}` as MemberId
