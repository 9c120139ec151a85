import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { JsonObject } from '#base'
import { type Case, CASE_STATES, type CaseEdit } from '#casework'
import { CONSENTS } from '#policy'
import { readDataDirectory } from '../data-directory.ts'
import { NodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { closed, Limit, ObjectId, Slug } from '../schemas.ts'
import { Submissions } from '../submissions.ts'

/** Objects of one submission: a report of one incident, not a feed. */
const SUBMISSION_OBJECTS = 500
const PROTECTED_TERMS = 50
const CASE_EDITS = 1_000
const PAGE_CASES = 100

const Text = Type.String({ minLength: 1, maxLength: 4_000 })
const Consent = Type.Union(CONSENTS.map((consent) => Type.Literal(consent)))
const Objects = Type.Array(Type.Object({}), { minItems: 1, maxItems: SUBMISSION_OBJECTS })
const Submit = Type.Object(
  {
    objects: Type.Optional(Objects),
    bundle: Type.Optional(Type.Object({ type: Type.Literal('bundle'), objects: Objects })),
    consent: Type.Optional(Consent),
    protect: Type.Optional(
      Type.Array(Type.String({ minLength: 3, maxLength: 200 }), {
        maxItems: PROTECTED_TERMS,
        description: 'Names and words that must never show, besides the name and slug that the charter knows',
      }),
    ),
    note: Type.Optional(Text),
  },
  closed,
)
const Message = Type.Object(
  { text: Text, kind: Type.Optional(Type.Union([Type.Literal('question'), Type.Literal('note')])) },
  closed,
)
const Edits = Type.Object(
  {
    edits: Type.Array(
      Type.Object(
        {
          object: ObjectId,
          path: Type.String({
            maxLength: 1_000,
            description: 'Selector such as external_references.[0].url; "" is the object',
          }),
          op: Type.Union((['remove', 'replace', 'keep'] as const).map((op) => Type.Literal(op))),
          value: Type.Optional(Type.Any()),
        },
        closed,
      ),
      { maxItems: CASE_EDITS },
    ),
  },
  closed,
)
const Marking = Type.Object(
  {
    tlp: Type.Union((['clear', 'green', 'amber', 'amber+strict'] as const).map((level) => Type.Literal(level))),
    to: Type.Array(Slug, { minItems: 1, maxItems: 20, description: 'Slugs of alliances' }),
  },
  closed,
)
const Withdraw = Type.Object(
  {
    what: Type.Union([Type.Literal('consent'), Type.Literal('all')], {
      description: 'consent: nobody is shown the source any more; all: nothing of the submission is shared any more',
    }),
  },
  closed,
)
const Decline = Type.Object({ reason: Text }, closed)
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) })
const ListQuery = Type.Object(
  {
    after: Type.Optional(Type.String({ maxLength: 64, description: '"next" of the page before' })),
    limit: Type.Optional(Limit(PAGE_CASES)),
    state: Type.Optional(Type.Union(CASE_STATES.map((state) => Type.Literal(state)))),
  },
  closed,
)
type OfCase = { Params: Static<typeof Params> }

/** Private submissions of clients, and their review. */
export async function submissionRoutes(app: FastifyInstance, node: NodeContext): Promise<void> {
  const submitter = { scopes: ['publish', 'submit'] } as const
  const reviewer = { scopes: [] } as const
  const tags = ['submissions']
  const { secret } = await readDataDirectory(node.dir)
  const submissions = new Submissions(node, { secret, random: (bytes) => new Uint8Array(randomBytes(bytes)) })
  let resuming: Promise<void> | undefined
  app.addHook('onListen', async () => {
    resuming = submissions
      .resume()
      .catch((error: unknown) => node.events.failed('finishing the publication of a submission', error))
  })
  app.addHook('onClose', async () => resuming)

  const view = async (request: FastifyRequest, one: Case) => {
    const isReviewer = node.readerOf(request).isOperator
    const receipt = await submissions.receipt(one)
    const { id, received, updated, objects, refused, reason, messages, consent } = one
    const shared = {
      id,
      state: shownState(one, isReviewer),
      received,
      updated,
      objects,
      refused,
      ...(reason === undefined ? {} : { reason }),
      ...(receipt ? { receipt } : {}),
    }
    if (!isReviewer)
      return { ...shared, consent: consent.value, messages: messages.filter(({ kind }) => kind !== 'note') }
    const plan = await submissions.plan(id)
    return {
      ...shared,
      consent,
      messages,
      source: one.source,
      protect: one.protect,
      edits: one.edits,
      content: await submissions.objects(id),
      ...(plan ? { publications: plan.publications } : {}),
    }
  }

  app.post<{ Body: Static<typeof Submit> }>(
    '/api/v1/submissions',
    {
      config: submitter,
      schema: {
        summary: 'Submit objects to the member that serves this client, in confidence',
        description:
          'TLP:AMBER+STRICT, kept as a private case. Without "consent" the source stays hidden from everybody.',
        tags,
        body: Submit,
      },
    },
    async (request, reply) => {
      const { objects, bundle, consent = 'none', protect, note } = request.body
      if ((objects === undefined) === (bundle === undefined))
        throw new NodeError('INPUT_INVALID', 'body: give either "objects" or a "bundle".')
      const reader = node.readerOf(request)
      const { taken, isNew } = await submissions.submit(reader, request.token?.id ?? '', {
        objects: (objects ?? bundle?.objects) as JsonObject[],
        consent,
        ...(protect === undefined ? {} : { protect }),
        ...(note === undefined ? {} : { note }),
      })
      return reply.code(isNew ? 201 : 200).send(await view(request, taken))
    },
  )

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/v1/submissions',
    {
      config: submitter,
      schema: { summary: 'Own submissions; all of them for the operator', tags, querystring: ListQuery },
    },
    async (request) => {
      const reader = node.readerOf(request)
      const { after, limit = PAGE_CASES, state } = request.query
      const { cases, next } = await submissions.list(reader, { limit, ...(after === undefined ? {} : { after }) })
      const rows = cases.map((one) => ({
        id: one.id,
        state: shownState(one, reader.isOperator),
        received: one.received,
        updated: one.updated,
        objects: one.objects,
        consent: one.consent.value,
        ...(reader.isOperator ? { source: one.source.slug } : {}),
      }))
      return {
        submissions: rows.filter((row) => state === undefined || row.state === state),
        ...(next === undefined ? {} : { next }),
      }
    },
  )

  app.get<OfCase>(
    '/api/v1/submissions/:id',
    { config: submitter, schema: { summary: 'One submission, with its receipt', tags, params: Params } },
    async (request) => view(request, await submissions.find(node.readerOf(request), request.params.id)),
  )

  app.post<OfCase & { Body: Static<typeof Message> }>(
    '/api/v1/submissions/:id/messages',
    {
      config: submitter,
      schema: {
        summary: 'Ask back (reviewer), answer (submitter), or note for reviewers',
        tags,
        params: Params,
        body: Message,
      },
    },
    async (request) => {
      const { text, kind = 'question' } = request.body
      return view(request, await submissions.message(node.readerOf(request), request.params.id, text, kind))
    },
  )

  app.put<OfCase & { Body: Static<typeof Edits> }>(
    '/api/v1/submissions/:id/edits',
    { config: reviewer, schema: { summary: 'Set the reviewer’s edits', tags, params: Params, body: Edits } },
    async (request) => {
      const edits = request.body.edits as CaseEdit[]
      return view(request, await submissions.edit(node.readerOf(request), request.params.id, edits))
    },
  )

  app.post<OfCase & { Body: Static<typeof Marking> }>(
    '/api/v1/submissions/:id/preview',
    {
      config: reviewer,
      schema: { summary: 'What each audience would get, and what goes and why', tags, params: Params, body: Marking },
    },
    async (request) => ({
      alliances: await submissions.preview(node.readerOf(request), request.params.id, request.body),
    }),
  )

  app.post<OfCase & { Body: Static<typeof Marking> }>(
    '/api/v1/submissions/:id/accept',
    { config: reviewer, schema: { summary: 'Publish what the preview shows', tags, params: Params, body: Marking } },
    async (request) => view(request, await submissions.accept(node.readerOf(request), request.params.id, request.body)),
  )

  app.post<OfCase & { Body: Static<typeof Withdraw> }>(
    '/api/v1/submissions/:id/withdraw',
    {
      config: submitter,
      schema: {
        summary: 'Take back the consent to be named, or the submission: what stands of it is recalled',
        tags,
        params: Params,
        body: Withdraw,
      },
    },
    async (request) => {
      const [reader, token] = [node.readerOf(request), request.token?.id ?? '']
      return view(request, await submissions.withdraw(reader, token, request.params.id, request.body.what))
    },
  )

  app.post<OfCase & { Body: Static<typeof Decline> }>(
    '/api/v1/submissions/:id/decline',
    {
      config: reviewer,
      schema: { summary: 'End a submission without publishing it', tags, params: Params, body: Decline },
    },
    async (request) =>
      view(request, await submissions.decline(node.readerOf(request), request.params.id, request.body.reason)),
  )
}

/** What happens between the reviewer's yes and the receipt is no news for the client. */
const shownState = ({ state }: Case, isReviewer: boolean) =>
  state === 'publishing' && !isReviewer ? 'in-review' : state
