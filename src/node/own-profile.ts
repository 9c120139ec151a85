import { fromBase64 } from '#base'
import { type CharterMember, signedBy } from '#log'
import type { NodeConfig } from './config.ts'
import { type DataDirectory, rootKeyOf } from './data-directory.ts'

/** How this member would stand in a charter. */
export function profileOf({ delegations }: Pick<DataDirectory, 'delegations'>, config: NodeConfig): CharterMember {
  const { member: id, slug, name, nation, kind, rootKey: firstRoot } = config
  const root = rootKeyOf(config)
  const address = config.publicUrl ?? lastingUrl(config)
  const sectors = [...new Set(config.sectors)].sort()
  const networks = [...new Set(config.networks)].sort()
  return {
    id,
    slug,
    name,
    nation,
    kind,
    sectors,
    root,
    ...(root === firstRoot ? {} : { firstRoot }),
    delegations: signedBy(delegations, fromBase64(root)),
    standing: 'active',
    joined: 0,
    ...(address ? { address } : {}),
    ...(networks.length > 0 ? { networks } : {}),
  }
}

/** The address of a node without a public one: where it listens, if that stays the same over restarts. */
function lastingUrl({ listen, tls }: NodeConfig): string | undefined {
  const isAnywhere = listen.host === '0.0.0.0' || listen.host === '::'
  if (listen.port === 0 || isAnywhere) return undefined
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return `${tls ? 'https' : 'http'}://${host}:${listen.port}`
}

/** This member as the sharing rules know it, also before it stands in any charter. */
export function selfOrganisation({ member: id, slug, nation, kind, sectors }: NodeConfig) {
  return { id, slug, nation, kind, sectors, clientOf: [], standing: 'active' as const, caveats: true }
}
