import type { FastifyInstance, RouteOptions } from 'fastify'

interface RouteSchema {
  summary?: string
  description?: string
  tags?: string[]
  body?: object
  querystring?: { properties?: Record<string, object>; required?: string[] }
  params?: { properties?: Record<string, object> }
  response?: Record<string, object>
  consumes?: string[]
}

/** Describes the REST surface from the very schemas that validate its requests. @see OpenAPI 3.1 */
export class OpenApi {
  readonly #paths = new Map<string, Record<string, unknown>>()

  constructor(app: FastifyInstance) {
    app.addHook('onRoute', (route) => this.#add(route))
  }

  document(): object {
    return {
      openapi: '3.1.0',
      info: {
        title: 'Noroshi',
        version: '1',
        description:
          'REST surface of one node. Errors are problem details (RFC 9457). What a token may not see is answered like what does not exist.',
      },
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
        schemas: { Problem: PROBLEM },
      },
      paths: Object.fromEntries(this.#paths),
    }
  }

  #add(route: RouteOptions): void {
    if (!route.url.startsWith('/api/v1') && !['/healthz', '/readyz', '/metrics'].includes(route.url)) return
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    const schema = (route.schema ?? {}) as RouteSchema
    const scopes = route.config?.scopes
    const operation = {
      ...(schema.summary ? { summary: schema.summary } : {}),
      ...(schema.description ? { description: schema.description } : {}),
      tags: schema.tags ?? ['node'],
      ...(scopes ? { security: [{ token: [] }], 'x-scopes': ['operator', ...scopes] } : {}),
      parameters: [
        ...parameters('path', schema.params?.properties, Object.keys(schema.params?.properties ?? {})),
        ...parameters('query', schema.querystring?.properties, schema.querystring?.required ?? []),
      ],
      ...bodyOf(schema),
      responses: {
        ...Object.fromEntries(
          Object.entries(schema.response ?? { 200: {} }).map(([status, body]) => [
            status,
            {
              description: Number(status) < 300 ? 'Done' : 'Refused',
              content: { 'application/json': { schema: body } },
            },
          ]),
        ),
        default: {
          description: 'Refused',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    }
    for (const method of [route.method].flat()) {
      this.#paths.set(path, { ...this.#paths.get(path), [method.toLowerCase()]: operation })
    }
  }
}

function bodyOf(schema: RouteSchema): object {
  if (!schema.body && !schema.consumes) return {}
  const types = schema.consumes ?? ['application/json']
  const content = Object.fromEntries(
    types.map((type) => [type, type === 'application/json' && schema.body ? { schema: schema.body } : {}]),
  )
  return { requestBody: { required: true, content } }
}

const parameters = (place: string, properties: Record<string, object> | undefined, required: readonly string[]) =>
  Object.entries(properties ?? {}).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema,
  }))

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'next'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    partCode: { type: 'string' },
    next: { type: 'string' },
  },
}
