import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { parseJson } from '#base'
import { answerClientError } from './client-error.ts'
import { authenticator } from './auth.ts'
import { ClientRates } from './client-rates.ts'
import { assertTransportSafe } from './config.ts'
import { ERRORS, NodeError, toNodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { OpenApi } from './openapi.ts'
import { PROBLEM_TYPE, toProblem } from './problem.ts'
import { routes } from './routes/index.ts'
import { answerTaxiiError, isTaxiiUrl } from './routes/taxii.ts'
import type {} from './schemas.ts'
import { passOverBody } from './unread-body.ts'

/** Bytes of a request's header lines, together. */
const HEADER_BYTES = 16_384
/** A client that sends its request slower than this is let go. */
const REQUEST_TIMEOUT_MS = 120_000

/** How a node is served. */
export interface ServeOptions {
  host: string
  port: number
  /** With `clientCa`, who shows no certificate of it gets no connection. */
  tls?: { cert: Buffer; key: Buffer; clientCa?: Buffer }
  behindProxy?: boolean
  /** Folder of the built web page; absent or missing = none is served. */
  webRoot?: string
}

/** A listening node. */
export interface HttpServer extends AsyncDisposable {
  readonly url: string
  readonly app: FastifyInstance
}

/**
 * Serves a node: its REST surface, the links, health, metrics, and the web page.
 *
 * @throws TLS_REQUIRED, PORT_IN_USE
 */
export async function openHttpServer(node: NodeContext, options: ServeOptions): Promise<HttpServer> {
  const { host, port, tls, behindProxy = false } = options
  assertTransportSafe({
    listen: { host, port },
    behindProxy,
    ...(tls ? { tls: { certFile: '', keyFile: '' } } : {}),
  })
  const app = fastify({
    ...(tls
      ? { https: { ...certificates(tls), minVersion: 'TLSv1.2', maxHeaderSize: HEADER_BYTES } }
      : { http: { maxHeaderSize: HEADER_BYTES } }),
    bodyLimit: node.limits.bodyBytes,
    trustProxy: behindProxy ? 1 : false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: false },
    exposeHeadRoutes: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      void answerError(node, error, request, reply),
    return503OnClosing: true,
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
    // Answers are described by their schemas and written as they are: a serializer would drop what it does not know.
    schemaController: { compilersFactory: { buildSerializer: () => () => (value: unknown) => JSON.stringify(value) } },
  } as Parameters<typeof fastify>[0]) as unknown as FastifyInstance
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/problem+json'],
    { parseAs: 'buffer' },
    (request, body, done) => {
      try {
        const bytes = body as Buffer
        done(null, bytes.length === 0 ? undefined : parseJson(bytes, { maxBytes: request.routeOptions.bodyLimit }))
      } catch (error) {
        done(error as Error)
      }
    },
  )
  app.setErrorHandler((error, request, reply) => answerError(node, error as FastifyError, request, reply))
  app.addHook(
    'onRequest',
    authenticator({
      tokens: node.tokens,
      metrics: node.metrics,
      now: node.now,
      failuresPerMinute: node.limits.authFailuresPerMinute,
      self: node.config.member,
      rates: new ClientRates(
        { requests: node.limits.clientRequestsPerMinute, bytes: node.limits.clientBytesPerMinute },
        node.now,
      ),
    }),
  )
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(SAFE_HEADERS)
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    node.metrics.requests.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1_000,
    )
  })
  const openApi = new OpenApi(app)
  for (const register of routes) await app.register(async (scope) => register(scope, node))
  app.get('/api/v1/openapi.json', { schema: { summary: 'This description', tags: ['about'] } }, () =>
    openApi.document(),
  )
  const hasPage = options.webRoot !== undefined && existsSync(join(options.webRoot, 'index.html'))
  if (options.webRoot !== undefined && hasPage) await serveWebPage(app, options.webRoot)
  app.setNotFoundHandler((request, reply) =>
    isTaxiiUrl(request.url)
      ? answerTaxiiError(node, new NodeError('NOT_FOUND', 'Not found'), request, reply)
      : hasPage && isPageRequest(request)
        ? reply.sendFile('index.html')
        : answerProblem(reply, 'NOT_FOUND'),
  )

  try {
    await app.listen({ host, port })
  } catch (cause) {
    await app.close()
    if ((cause as { code?: string }).code === 'EADDRINUSE')
      throw new NodeError('PORT_IN_USE', `Port ${port} on ${host} is in use by another process.`, {
        details: { host, port },
        cause,
      })
    throw cause
  }
  const { port: bound } = app.server.address() as AddressInfo
  const shownHost = host === 'localhost' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const url = `${tls ? 'https' : 'http'}://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${bound}`
  return { url, app, [Symbol.asyncDispose]: () => app.close() }
}

/** The node's own certificate is let in beside the clients' authorities: its operator's commands show it. */
const certificates = ({ cert, key, clientCa }: NonNullable<ServeOptions['tls']>) =>
  clientCa
    ? { cert, key, ca: [clientCa, cert], allowPartialTrustChain: true, requestCert: true, rejectUnauthorized: true }
    : { cert, key }

const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** Only the page's own files, and styles that its components set; nothing from elsewhere, no inline scripts. */
const WEB_PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

async function serveWebPage(app: FastifyInstance, root: string): Promise<void> {
  await app.register(fastifyStatic, {
    root,
    wildcard: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      reply.header('content-security-policy', WEB_PAGE_POLICY)
      reply.header(
        'cache-control',
        /[.-][\w-]{8,}\.\w+$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      )
    },
  })
}

/** Whether a browser asks for an address of the page's own. */
const isPageRequest = ({ method, headers, url }: FastifyRequest) =>
  method === 'GET' &&
  (headers.accept ?? '').includes('text/html') &&
  !/^\/(api|link|metrics|healthz|readyz)([/?]|$)/.test(url)

async function answerError(
  node: NodeContext,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (isTaxiiUrl(request.url)) return answerTaxiiError(node, error, request, reply)
  const { code, partCode, message, expose } = toNodeError(error)
  const [status] = ERRORS[code]
  if (status >= 500) node.events.failed(`${request.method} ${request.routeOptions.url ?? 'unknown route'}`, error)
  if (code === 'BODY_TOO_LARGE') await passOverBody(request.raw)
  const detail = code === 'BODY_TOO_LARGE' ? tooLargeText(node, request, message) : message
  return answerProblem(reply, code, expose ? detail : undefined, partCode)
}

/** Names the limit that a body exceeds, as noroshi.json spells it, and its value. */
function tooLargeText({ limits }: NodeContext, request: FastifyRequest, message: string): string {
  const { url, bodyLimit } = request.routeOptions
  const own = url === '/api/v1/publish' ? 'publishBytes' : url === '/api/v1/telemetry' ? 'telemetryBytes' : 'bodyBytes'
  if (bodyLimit !== limits[own]) return message
  return `The body has more than ${bodyLimit} bytes, which is the limit "${own}" of this node.`
}

function answerProblem(
  reply: FastifyReply,
  code: Parameters<typeof toProblem>[0],
  detail?: string,
  partCode?: string,
): FastifyReply {
  const problem = toProblem(code, detail, partCode)
  return reply.code(problem.status).headers(SAFE_HEADERS).type(PROBLEM_TYPE).send(JSON.stringify(problem))
}
