// A node whose policy admits everybody to everything: what a drill must notice. Started by the tests in place of `serve`.
import { parseArgs } from 'node:util'
import { openNode } from '#node'

const { values } = parseArgs({
  options: { dir: { type: 'string' }, port: { type: 'string' }, rehearsal: { type: 'boolean' } },
})
const node = await openNode({
  dir: values.dir ?? '',
  port: Number(values.port),
  rehearsal: values.rehearsal === true,
  seams: { admits: () => ({ send: true, code: 'CLEAR', redact: [], onward: 'world' }) },
})
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void node[Symbol.asyncDispose]().then(() => process.exit(0)))
