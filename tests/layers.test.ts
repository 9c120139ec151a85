// Holds the import table of DESIGN section 4: which part may import which, and that nobody reaches past an index.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const HOME = dirname(dirname(fileURLToPath(import.meta.url)))

const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  stix: ['base'],
  log: ['base'],
  policy: ['base', 'stix', 'log'],
  detect: ['base', 'stix'],
  exchange: ['base', 'stix'],
  store: ['base', 'stix', 'log'],
  taxii: ['base', 'stix', 'log', 'policy', 'store'],
  federation: ['base', 'stix', 'policy', 'log', 'store'],
  casework: ['base', 'stix', 'policy', 'log', 'store'],
  drill: ['base', 'stix', 'policy', 'log', 'detect'],
  node: ['base', 'stix', 'log', 'policy', 'detect', 'exchange', 'store', 'federation', 'casework', 'drill', 'taxii'],
  cli: ['base', 'stix', 'policy', 'log', 'detect', 'exchange', 'node', 'taxii'],
}

/** Parts that do no I/O and take clock and randomness as arguments. */
const PURE = ['base', 'stix', 'log', 'policy', 'detect', 'exchange']
const IMPURE_MODULES = /^node:(fs|net|http|https|http2|child_process|dgram|dns|os|process|timers|tls|sqlite)/
const IMPURE_CALLS =
  /\b(Date\.now\(|new Date\(\)|Math\.random\(|randomBytes\(|randomUUID\(|performance\.now\(|process\.(env|exit|argv))/
/** Files of a pure part that are its I/O shell or support of its tests, named here so that each new one is a decision. */
const SHELLS = new Set(['src/detect/worker.ts', 'src/policy/property-parameters.ts'])

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return name === 'node_modules' || name === 'dist' ? [] : files(path)
    return /\.tsx?$/.test(name) ? [path] : []
  })
}

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

const IMPORT_FORMS = [
  /(?:^|\n)\s*(?:import|export)\s[^'"();]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
]

function imports(text: string): string[] {
  const code = withoutComments(text)
  return IMPORT_FORMS.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''))
}

interface SourceFile {
  path: string
  part: string
  text: string
  imports: string[]
}

function faultsOf(file: SourceFile): string[] {
  const faults: string[] = []
  const partHome = join(HOME, 'src', file.part)
  for (const target of file.imports) {
    if (target.startsWith('#')) {
      const name = target.slice(1)
      if (name !== file.part && !MAY_IMPORT[file.part]?.includes(name) && !file.path.endsWith('.test.ts'))
        faults.push(`${file.path}: ${file.part} may not import ${target}`)
      if (name === file.part && !file.path.endsWith('.test.ts'))
        faults.push(`${file.path}: inside ${file.part}, import by relative path, not ${target}`)
    } else if (target.startsWith('.')) {
      const absolute = resolve(HOME, dirname(file.path), target)
      if (!absolute.startsWith(partHome + sep)) faults.push(`${file.path}: ${target} reaches into another part`)
      if (!/\.(ts|tsx|json)$/.test(target)) faults.push(`${file.path}: ${target} lacks its .ts ending`)
    } else if (PURE.includes(file.part) && IMPURE_MODULES.test(target) && !isShell(file.path)) {
      faults.push(`${file.path}: pure part imports ${target}`)
    }
  }
  if (PURE.includes(file.part) && !isShell(file.path)) {
    const call = IMPURE_CALLS.exec(withoutComments(file.text))
    if (call) faults.push(`${file.path}: pure part calls ${call[0]}`)
  }
  if (file.part !== 'cli' && /process\.exit\(/.test(withoutComments(file.text)) && !file.path.endsWith('.test.ts'))
    faults.push(`${file.path}: process.exit outside cli/`)
  return faults
}

const isShell = (path: string) => path.endsWith('.test.ts') || SHELLS.has(path)

function sourceFiles(): SourceFile[] {
  return files(join(HOME, 'src')).map((absolute) => {
    const path = relative(HOME, absolute).split(sep).join('/')
    const text = readFileSync(absolute, 'utf8')
    return { path, part: path.split('/')[1] ?? '', text, imports: imports(text) }
  })
}

test('every part imports only what the table of DESIGN section 4 allows', () => {
  const faults = sourceFiles().flatMap(faultsOf)
  assert.deepEqual(faults, [])
})

test('every part of package.json "imports" is in the table, and the other way round', () => {
  const pkg = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8')) as { imports: Record<string, string> }
  const parts = Object.keys(pkg.imports).map((name) => name.slice(1))
  // Nobody imports the command line: it has no name.
  assert.deepEqual([...parts, 'cli'].sort(), Object.keys(MAY_IMPORT).sort())
})

test('the web page imports nothing from the server', () => {
  const faults = files(join(HOME, 'web')).flatMap((path) =>
    imports(readFileSync(path, 'utf8'))
      .filter((target) => target.startsWith('#') || (target.includes('/src/') && target.includes('..')))
      .filter((target) => !resolve(dirname(path), target).startsWith(join(HOME, 'web')))
      .map((target) => `${relative(HOME, path)}: ${target}`),
  )
  assert.deepEqual(faults, [])
})

test('the table catches planted faults', () => {
  const planted = (path: string, text: string): SourceFile => ({
    path,
    part: path.split('/')[1] ?? '',
    text,
    imports: imports(text),
  })
  const cases = [
    planted('src/stix/a.ts', `import { x } from '#store'`),
    planted('src/stix/a.ts', `import { x } from '../log/entry.ts'`),
    planted('src/log/a.ts', `import { readFileSync } from 'node:fs'`),
    planted('src/policy/a.ts', `const now = Date.now()`),
    planted('src/store/a.ts', `const f = await import('#federation')`),
    planted('src/node/a.ts', `process.exit(1)`),
    planted('src/node/a.ts', `import { x } from './b'`),
    planted('src/drill/a.ts', `export { x } from '#store'`),
  ]
  for (const file of cases) assert.notDeepEqual(faultsOf(file), [], `${file.path}: ${file.text}`)
})
