import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { fromBase64 } from '#base'
import { keyIdOf, keyWindows, signedBy } from '#log'
import { isHosted } from '#policy'
import { KEY_FILES, readDelegations, readRootFile, rootKeyOf } from '../data-directory.ts'
import { NodeError } from '../errors.ts'
import { GRANTEES_MOST, NO_END } from '../grant-wish.ts'
import type { ShownGrant } from '../grants.ts'
import type { NodeContext } from '../node-context.ts'
import { isSignatureNeeded, RemoteRoot } from '../remote-root.ts'
import { closed, HashText, ObjectId, Time } from '../schemas.ts'

const Wish = Type.Object(
  {
    object: ObjectId,
    to: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      minItems: 1,
      maxItems: GRANTEES_MOST,
      description: 'Organisations, by slug or id; those who get the same form of the object see each other named',
    }),
    until: Type.Optional(Time),
    version: Type.Optional(Type.String({ maxLength: 64, description: 'modified of the version that is granted' })),
    time: Type.Optional(Time),
    signatures: Type.Optional(
      Type.Array(Type.Object({ bytes: Type.String(), sig: Type.String() }, closed), { maxItems: 2 * GRANTEES_MOST }),
    ),
  },
  closed,
)

/** Own objects for organisations that their audiences do not reach. */
export function grantRoutes(app: FastifyInstance, node: NodeContext): void {
  const config = { scopes: [] }
  const tags = ['grants']

  app.get(
    '/api/v1/grants',
    { config, schema: { summary: 'Grants of own objects, the newest first', tags } },
    async () => ({
      grants: (await node.grants.list()).map((grant) => shown(node, grant)),
    }),
  )

  app.post<{ Body: Static<typeof Wish> }>(
    '/api/v1/grants',
    {
      config,
      schema: {
        summary: 'Grant an own object to organisations by name',
        description:
          'The seal key signs. Asked without signatures, the answer is 202 with the bytes to sign and their instant; asked again with both, the object is granted.',
        tags,
        body: Wish,
      },
    },
    async (request, reply) => {
      const { time, signatures, ...wish } = request.body
      const key = await sealKey(node)
      const handed = { ...(time === undefined ? {} : { time }), ...(signatures ? { signatures } : {}) }
      const answer = await new RemoteRoot(() => key, node.now).run(handed, (signer) => node.grants.grant(wish, signer))
      if (isSignatureNeeded(answer)) return reply.code(202).send(answer)
      return { grants: answer.map((grant) => shown(node, grant)) }
    },
  )

  app.post<{ Params: { id: string } }>(
    '/api/v1/grants/:id/end',
    {
      config,
      schema: { summary: 'End a grant: its copies are recalled', tags, params: Type.Object({ id: HashText }) },
    },
    async (request) => {
      const { grant, recalled } = await node.grants.end(request.params.id)
      return { grant: shown(node, grant), recalled }
    },
  )
}

/** What the operator is shown of a grant. */
function shown(node: NodeContext, { grantees, until, audience, ...grant }: ShownGrant) {
  const register = node.directory.register()
  return {
    ...grant,
    tlp: audience.tlp,
    to: grantees.map((member) => {
      const org = register.org(member)
      return {
        member,
        slug: org?.slug ?? node.slugOf(member),
        ...(org && isHosted(org, register) ? { hosted: true } : {}),
      }
    }),
    until: until === NO_END ? null : until,
  }
}

/** The seal key that signs now. @throws KEY_UNREADABLE */
async function sealKey({ dir, config, now }: NodeContext): Promise<Uint8Array> {
  const { publicKey } = await readRootFile(dir, KEY_FILES.seal)
  const key = fromBase64(publicKey, 32)
  const root = fromBase64(rootKeyOf(config), 32)
  const windows = keyWindows(signedBy(await readDelegations(dir), root), config.member, root)
  const at = now()
  if (
    windows.some(
      ({ keyId, purpose, from, until }) => purpose === 'seal' && keyId === keyIdOf(key) && from <= at && at < until,
    )
  )
    return key
  throw new NodeError(
    'KEY_UNREADABLE',
    'The seal key counts no more: make the next one with noroshi alliance rekey --seal --dir DIR.',
  )
}
