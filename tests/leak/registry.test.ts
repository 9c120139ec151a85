// Nothing leaves by a door that is not in the registry: every route of the server and every command is a way out that is
// walked, or is listed as reaching nothing, with a reason.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS } from '../../src/cli/commands.ts'
import { openHttpServer } from '../../src/node/http-server.ts'
import { Stage } from './stage.ts'
import { OPERATOR_ROUTES, UNREACHING_COMMANDS, UNREACHING_ROUTES } from './unreaching.ts'
import { WAYS_OUT } from './ways.ts'
import { HUB, planOf } from './world-plan.ts'

test('every route of the server is a way out that is walked, or reaches nothing for a stated reason', async () => {
  await using stage = await Stage.open()
  await stage.play(planOf(1, 1).steps[0] as never)
  const token = stage.tokens(HUB).get('us-relay') ?? ''
  assert.notEqual(token, '')
  const covered = new Set(WAYS_OUT.flatMap(({ routes }) => routes))
  const { app } = await openHttpServer(stage.node(HUB), { host: '127.0.0.1', port: 0, webRoot: '/nowhere' })
  const served = routesOf(app.printRoutes({ commonPrefix: false }))
  await app.close()
  assert.ok(served.length > 60, `${served.length} routes were read`)
  const unknown: string[] = []
  for (const route of served) {
    if (covered.has(route) || UNREACHING_ROUTES[route] !== undefined) continue
    const [method = '', path = ''] = route.split(' ')
    const isOperators = OPERATOR_ROUTES.some((begin) => path.startsWith(begin))
    const { status } = await stage.ask(HUB, path.replace(/:\w+/g, '1'), { method, token })
    if (!isOperators || status !== 403) unknown.push(`${route} (a reader is answered ${status})`)
  }
  assert.deepEqual(unknown, [], 'a new route is a line in ways.ts, or in unreaching.ts with its reason')
  for (const [route, reason] of Object.entries(UNREACHING_ROUTES)) {
    if (!reason.startsWith('operator') || !served.includes(route)) continue
    const [method = '', path = ''] = route.split(' ')
    const { status } = await stage.ask(HUB, path.replace(/:\w+/g, '1'), { method, token })
    assert.equal(status, 403, `${route} is for the operator alone`)
  }
})

test('every command is a way out that is walked, or reaches nothing for a stated reason', () => {
  const covered = new Set(WAYS_OUT.flatMap(({ commands = [] }) => commands))
  const unknown = COMMANDS.map(({ name }) => name).filter(
    (name) => !covered.has(name) && UNREACHING_COMMANDS[name] === undefined,
  )
  assert.deepEqual(unknown, [], 'a new command is a line in ways.ts, or in unreaching.ts with its reason')
})

test('every way out is walked somewhere', () => {
  for (const { name, walked } of WAYS_OUT) assert.match(walked, /worlds|named cases/, name)
})

/** `METHOD route`, out of the tree that the framework prints. */
function routesOf(tree: string): string[] {
  const routes: string[] = []
  const above: string[] = []
  for (const line of tree.split('\n')) {
    const found = /^([│ ]*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?/.exec(line)
    if (!found) continue
    const [, indent = '', part = '', methods] = found
    const depth = indent.length / 4
    above[depth] = part
    const path = above.slice(0, depth + 1).join('')
    for (const method of methods?.split(', ') ?? []) routes.push(`${method} ${path}`)
  }
  return routes
}
