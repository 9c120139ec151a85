import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerTaxii, refused, type TaxiiAnswer, type TaxiiBackend, taxiiCodeOf, WritableCollections } from '#taxii'
import { ERRORS, toNodeError } from '../errors.ts'
import type { NodeContext } from '../node-context.ts'
import { openTaxiiBackend } from '../taxii-backend.ts'
import { taxiiAdminRoutes } from '../taxii-admin.ts'
import { type TaxiiReader, taxiiReaderOf } from '../taxii-reader.ts'
import { InFlight } from '../taxii-in-flight.ts'
import { TaxiiSubmissions } from '../taxii-submissions.ts'
import { passOverBody } from '../unread-body.ts'

/** Address of the discovery resource. */
const TAXII_PATH = '/taxii2'

/** The TAXII 2.1 surface: everything below `/taxii2/`, with its own form of errors. */
export function taxiiRoutes(app: FastifyInstance, node: NodeContext): void {
  const writable = new WritableCollections(node.store)
  const submissions = new TaxiiSubmissions(node, (bytes) => randomBytes(bytes))
  const backend = openTaxiiBackend(node, writable, submissions)
  void app.register(async (admin) => taxiiAdminRoutes(admin, node, { writable, submissions }))
  void app.register(async (taxii) => taxiiSurface(taxii, node, backend))
}

function taxiiSurface(app: FastifyInstance, node: NodeContext, backend: TaxiiBackend<TaxiiReader>): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const inFlight = new InFlight()
  for (const url of [TAXII_PATH, `${TAXII_PATH}/*`])
    app.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url,
      bodyLimit: node.limits.publishBytes,
      config: { scopes: ['read', 'publish'], basic: true },
      schema: { hide: true } as object,
      async handler(request, reply) {
        const [path = '', search = ''] = request.url.split(/\?(.*)/s)
        const answer = await answerTaxii(backend, {
          method: request.method,
          base: `${node.config.publicUrl ?? `${request.protocol}://${request.host}`}${TAXII_PATH}`,
          path: path.slice(TAXII_PATH.length),
          search: new URLSearchParams(search),
          accept: request.headers.accept,
          contentType: request.headers['content-type'],
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          reader: taxiiReaderOf(node, request),
        })
        if (!inFlight.add(reply, request.token?.id ?? '', answer.body.length))
          return send(
            reply,
            refused('TAXII_UNAVAILABLE', 'Other answers wait to be read; ask again.', { 'retry-after': '1' }),
          )
        return send(reply, answer)
      },
    })
}

/** As bytes, because the framework would add a charset to the media type of a text. */
const send = (reply: FastifyReply, { status, headers, body }: TaxiiAnswer) =>
  reply
    .code(status)
    .headers(headers)
    .send(Buffer.isBuffer(body) ? body : Buffer.from(body))

/** Whether an address belongs to the TAXII surface. */
export const isTaxiiUrl = (url: string): boolean => /^\/taxii2(?:[/?]|$)/.test(url)

/** Answers a failure below these addresses, wherever it arose, as a TAXII error resource. */
export async function answerTaxiiError(
  node: NodeContext,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { code, message, expose } = toNodeError(error)
  const [status] = ERRORS[code]
  if (status >= 500) node.events.failed(`${request.method} ${TAXII_PATH}`, error)
  if (code === 'BODY_TOO_LARGE') await passOverBody(request.raw)
  return send(reply, refused(taxiiCodeOf(status), expose && status !== 404 ? message : undefined))
}
