import { DEFAULT_ALLOW, type GuardOptions } from '#detect'
import type { Directory } from '#federation'
import type { NodeConfig } from './config.ts'

/**
 * What no indicator may name here, whoever shared it: this member's networks, those that its allies declare in charters,
 * the hosts of their nodes, and what the operator adds to the shipped list.
 */
export function protectedNetworks(config: NodeConfig, directory: Directory): GuardOptions {
  const allies = directory
    .members()
    .filter(({ standing }) => standing !== 'left')
    .flatMap(({ networks = [], address }) => [...networks, ...(address === undefined ? [] : [hostOf(address)])])
  return {
    allow: [...DEFAULT_ALLOW, ...(config.neverArm ?? [])],
    own: config.networks ?? [],
    allies: [...new Set(allies)].sort(),
  }
}

const hostOf = (address: string): string => {
  try {
    return new URL(address).hostname.replace(/^\[|\]$/g, '')
  } catch {
    return ''
  }
}
