import type { FederationEvents, FederationOptions } from './api.ts'

/** The node's handlers, and before each of them the federation's own: what one does never keeps the other from its turn. */
export function withHooks(
  events: Partial<FederationEvents>,
  hooks: Partial<FederationEvents>,
  options: FederationOptions,
): Partial<FederationEvents> {
  const both = <Name extends 'allianceChanged' | 'linkChanged'>(name: Name) =>
    ((event: never) => {
      ;(hooks[name] as ((event: never) => void) | undefined)?.(event)
      try {
        ;(events[name] as ((event: never) => void) | undefined)?.(event)
      } catch (cause) {
        options.log?.('error', `The node's handler of ${name} failed`, { cause: String(cause) })
      }
    }) as FederationEvents[Name]
  return { ...events, allianceChanged: both('allianceChanged'), linkChanged: both('linkChanged') }
}
