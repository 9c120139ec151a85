// The page of errors, out of the table that answers them and the closed unions of the parts.
// Write it anew with: node bin/node24.mjs tests/cli/errors-page.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, toNodeError } from '#node'
import { NoroshiError } from '#base'
import { HOME } from './command-line.ts'

export const PAGE = join(HOME, 'docs', 'errors.md')

/** Files that declare a part's codes, and the class that carries them. */
const PARTS: readonly (readonly [part: string, file: string, className: string])[] = [
  ['base', 'src/base/json-error.ts', 'JsonError'],
  ['log', 'src/log/error.ts', 'LogError'],
  ['policy', 'src/policy/error.ts', 'PolicyError'],
  ['stix', 'src/stix/error.ts', 'StixError'],
  ['detect', 'src/detect/error.ts', 'DetectError'],
  ['exchange', 'src/exchange/error.ts', 'ExchangeError'],
  ['store', 'src/store/errors.ts', 'StoreError'],
  ['federation', 'src/federation/error.ts', 'FederationError'],
]

export function renderPage(): string {
  const own = Object.entries(ERRORS).map(([code, [status, next]]) => `| \`${code}\` | ${status} | ${next} |`)
  const parts = PARTS.flatMap(([part, file, className]) =>
    codesIn(file).map((code) => `| \`${code}\` | ${part} | \`${answered(className, code)}\` |`),
  )
  return [
    '# Errors',
    '',
    'Every failure of a node is answered by problem details (RFC 9457) with a `code` of the first table; the command line prints',
    'the same in one line and ends with exit code 2. Where another part found the fault, its own code stands in `partCode`.',
    '',
    'What a caller may not see is never an error of its own: it is answered `NOT_FOUND`, like what does not exist.',
    '',
    '## Codes of the node and the command line',
    '',
    '| Code | HTTP status | What to do next |',
    '|---|---|---|',
    ...own,
    '',
    '## Codes of the other parts',
    '',
    '| Code | Part | Answered as |',
    '|---|---|---|',
    ...parts,
    '',
  ].join('\n')
}

/** Members of the string unions in a file. */
function codesIn(file: string): string[] {
  const text = readFileSync(join(HOME, file), 'utf8')
  const unions = [...text.matchAll(/export type \w*Code =([\s\S]*?)\n\n/g)].map(([, body]) => body ?? '')
  return unions.flatMap((body) => [...body.matchAll(/'([A-Z0-9_]+)'/g)].map(([, code]) => code ?? ''))
}

function answered(className: string, code: string): string {
  const error = new NoroshiError(code, '')
  error.name = className
  return toNodeError(error).code
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, renderPage())
