import Type from 'typebox'
import Schema from 'typebox/schema'
import type { MemberId } from '#base'
import { NodeError } from './errors.ts'
import { LIMITS, type Limits } from './limits.ts'

const SLUG = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' })
/** Addresses, ranges and domains. */
const NETWORKS = Type.Array(Type.String({ minLength: 2, maxLength: 253 }), { maxItems: 10_000 })
const LimitsSchema = Type.Object(
  Object.fromEntries(Object.keys(LIMITS).map((name) => [name, Type.Optional(Type.Integer({ minimum: 1 }))])),
  { additionalProperties: false },
)

/** Shape of `noroshi.json`. */
export const NodeConfigSchema = Type.Object(
  {
    v: Type.Literal(1),
    member: Type.String({ pattern: '^identity--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' }),
    slug: SLUG,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    nation: Type.String({ pattern: '^[A-Z]{2}$' }),
    kind: SLUG,
    sectors: Type.Array(SLUG, { maxItems: 64 }),
    rootKey: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }),
    laterRootKey: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' })),
    listen: Type.Object(
      { host: Type.String({ minLength: 1, maxLength: 255 }), port: Type.Integer({ minimum: 0, maximum: 65_535 }) },
      { additionalProperties: false },
    ),
    publicUrl: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 2_048 })),
    tls: Type.Optional(
      Type.Object(
        {
          certFile: Type.String(),
          keyFile: Type.String(),
          caFile: Type.Optional(Type.String()),
          clientCaFile: Type.Optional(Type.String()),
          clientCertFile: Type.Optional(Type.String()),
          clientKeyFile: Type.Optional(Type.String()),
        },
        { additionalProperties: false },
      ),
    ),
    behindProxy: Type.Optional(Type.Boolean()),
    demo: Type.Optional(Type.Boolean()),
    networks: Type.Optional(NETWORKS),
    neverArm: Type.Optional(NETWORKS),
    limits: Type.Optional(LimitsSchema),
  },
  { additionalProperties: false },
)

/** PEM files of TLS. */
export interface TlsFiles {
  certFile: string
  keyFile: string
  /** Authorities of peers' certificates, besides the system's. */
  caFile?: string
  /** Whoever connects shows a certificate of these authorities, or gets no connection; requests are signed all the same. */
  clientCaFile?: string
  /** What this node shows to peers that ask for a certificate; absent: the one that it serves with. */
  clientCertFile?: string
  clientKeyFile?: string
}

/** Content of `noroshi.json`. */
export interface NodeConfig {
  v: 1
  member: MemberId
  slug: string
  name: string
  nation: string
  kind: string
  sectors: string[]
  /** The member's first root key, base64. */
  rootKey: string
  /** The root key in use, once it is another. */
  laterRootKey?: string
  listen: { host: string; port: number }
  /** Address under which peers reach this node. */
  publicUrl?: string
  tls?: TlsFiles
  /** TLS ends at a proxy; plain HTTP is then allowed on addresses other than loopback. */
  behindProxy?: boolean
  /** The keys are a rehearsal's, known to everybody. */
  demo?: boolean
  /** This member's own address ranges and domains: they never arm here, and stand in charters that it founds or joins. */
  networks?: string[]
  /** Others that never arm here, besides the shipped list: national services, content networks. */
  neverArm?: string[]
  limits?: Partial<Limits>
}

/** Port of a node where none is configured. */
export const DEFAULT_PORT = 7330
/** Address on which a node listens where none is configured. */
export const DEFAULT_HOST = '127.0.0.1'

/**
 * The configuration out of the parsed `noroshi.json`.
 *
 * @throws DATA_DIR_FOREIGN naming the first field that does not fit
 */
export function parseConfig(value: unknown, path: string): NodeConfig {
  if (Schema.Check(NodeConfigSchema, value)) return value as unknown as NodeConfig
  const first = Schema.Errors(NodeConfigSchema, value)[1][0] as { instancePath?: string; message?: string } | undefined
  throw new NodeError(
    'DATA_DIR_FOREIGN',
    `${path}: ${first?.instancePath || '/'} ${first?.message ?? 'does not fit'}.`,
    {
      details: { path },
    },
  )
}

/** The limits in force: the defaults, overridden by the configuration's. */
export const limitsOf = (config: Pick<NodeConfig, 'limits'>): Limits => ({ ...LIMITS, ...config.limits })

/** Whether a host name or address is this machine alone. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  return (
    bare === 'localhost' ||
    bare === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(bare) ||
    /^::ffff:127(\.\d{1,3}){3}$/.test(bare)
  )
}

/**
 * Refuses to offer plain HTTP beyond this machine.
 *
 * @throws TLS_REQUIRED
 */
export function assertTransportSafe(config: Pick<NodeConfig, 'listen' | 'tls' | 'behindProxy'>): void {
  if (isLoopback(config.listen.host) || config.tls || config.behindProxy) return
  throw new NodeError(
    'TLS_REQUIRED',
    `Plain HTTP on ${config.listen.host} would let others read along: only loopback may go without TLS.`,
    { details: { host: config.listen.host } },
  )
}
