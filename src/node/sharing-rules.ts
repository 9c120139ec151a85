import type { Millis } from '#base'
import type { Directory } from '#federation'
import {
  admits,
  type GrantedRequest,
  type GrantedResult,
  type Organisation,
  type Register,
  type Release,
  release,
  releaseGranted,
  type ReleaseDefaults,
  type ReleasedBefore,
  type ReleaseResult,
  toRegister,
} from '#policy'
import type { RawObject } from './raw-objects.ts'

/** What a publication asks: who gets which of these objects, in which form. */
export interface ReleaseRequest {
  objects: readonly RawObject[]
  defaults: ReleaseDefaults
  releasedBefore?: ReleasedBefore
  now: Millis
  drill?: string
}

export type { Release }

/** A copy of an object for those whom a grant names. */
export type GrantedCopy = GrantedResult['releases'][number]

/** Rules that tests replace by broken ones. */
export interface RuleSeams {
  admits?: typeof admits
}

/** The sharing rules as this node asks them. */
export interface SharingRules {
  admits: typeof admits
  register(): Register
  release(request: ReleaseRequest): ReleaseResult
  releaseGranted(request: Omit<GrantedRequest, 'author' | 'register' | 'secret'>): GrantedResult
}

/** Binds the rules to the charters in force; before the first one, this member stands alone. */
export function bindRules(options: {
  directory: Directory
  self: Organisation
  secret: Uint8Array
  seams?: RuleSeams
}): SharingRules {
  const { directory, self, secret, seams } = options
  const alone = toRegister({ organisations: [self], alliances: new Map() })
  const register = () => {
    const known = directory.register()
    return known.org(self.id) ? known : alone
  }
  return {
    admits: seams?.admits ?? admits,
    register,
    release: (request) => release({ ...request, author: self.id, register: register(), secret }),
    releaseGranted: (request) => releaseGranted({ ...request, author: self.id, register: register(), secret }),
  }
}
