// `npm run planted [-- SUITE [NAME]]`: plants the bugs of every suite, of one, or one of them, and shows which tests catch each.
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { join } from 'node:path'

const [suite, name = ''] = process.argv.slice(2)
if (suite !== undefined) process.env.NOROSHI_PLANTED = `${suite}/${name}`
const stream = run({ files: [join(import.meta.dirname, 'planted.test.ts')] })
stream.on('test:fail', () => {
  process.exitCode = 1
})
stream.compose(spec).pipe(process.stdout)
