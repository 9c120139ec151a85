import type { Federation, FederationOptions } from './api.ts'
import { toContext } from './context.ts'

/** Opens everything between nodes over a store; links start with `start()`. */
export async function openFederation(options: FederationOptions): Promise<Federation> {
  const context = toContext(options)
  const { Shell } = await import('./shell.ts')
  return Shell.open(context)
}
