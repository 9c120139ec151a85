import type { Json, MemberId, Millis } from '#base'
import { admits } from '#policy'
import type { Store } from '#store'
import type { Alarm, AlarmKind, FederationEvents, FederationOptions, Limits, Self, Timers, Transport } from './api.ts'
import { LIMITS } from './limits.ts'
import { systemTimers } from './timers.ts'

/** What every file of the shell is handed: the node's clock, randomness, store, sockets and ears. */
export interface Context {
  readonly store: Store
  readonly self: Self
  readonly now: () => Millis
  readonly random: (bytes: number) => Uint8Array
  readonly transport: Transport
  readonly timers: Timers
  readonly limits: Limits
  readonly admits: typeof admits
  readonly acceptsDrill: (drill: string) => boolean
  readonly onPurged: NonNullable<FederationOptions['onPurged']>
  readonly refusesAddress: (address: string) => string | undefined
  readonly log: NonNullable<FederationOptions['log']>
  /** Tells the node; never throws. */
  emit<Name extends keyof FederationEvents>(name: Name, ...event: Parameters<FederationEvents[Name]>): void
  /** Tells the node and keeps signed material, where there is some, in journal `evidence`. */
  alarm(kind: AlarmKind, peer: MemberId, message: string, more?: AlarmDetails): Promise<void>
  /** From 0 to 1. */
  jitter(): number
}

/** Where an alarm points, and what proves it. */
export interface AlarmDetails {
  log?: string
  index?: number
  evidence?: Json
}

/** Journal of signed material that proves what an alarm says. */
export const EVIDENCE = 'evidence'

/** The context of one federation. */
export function toContext(options: FederationOptions): Context {
  const log = options.log ?? (() => undefined)
  const emit: Context['emit'] = (name, ...event) => {
    try {
      const handler = options.events?.[name] as ((...args: unknown[]) => void) | undefined
      handler?.(...event)
    } catch (cause) {
      log('error', `The node's handler of ${name} failed`, { cause: String(cause) })
    }
  }
  return {
    store: options.store,
    self: options.self,
    now: options.now,
    random: options.random,
    transport: options.transport,
    timers: options.timers ?? systemTimers,
    limits: { ...LIMITS, ...options.limits },
    admits: options.admits ?? admits,
    acceptsDrill: options.acceptsDrill ?? (() => false),
    onPurged: options.onPurged ?? (async () => undefined),
    refusesAddress: options.refusesAddress ?? (() => undefined),
    log,
    emit,
    jitter: () => Buffer.from(options.random(4)).readUInt32BE(0) / 0xffff_ffff,
    alarm: async (kind, peer, message, more = {}) => {
      const time = options.now()
      const { evidence, ...where } = more
      const alarm: Alarm = { kind, peer, message, time, ...where }
      if (evidence !== undefined) {
        const value = { kind, peer, message, ...where, evidence }
        const [outcome] = await options.store.commit([{ op: 'journal', stream: EVIDENCE, time, value }])
        if (outcome?.op === 'journal') alarm.evidence = outcome.sequence
      }
      log('warn', message, { kind, peer, ...where })
      emit('alarm', alarm)
    },
  }
}
