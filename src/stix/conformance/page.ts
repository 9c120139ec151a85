import { FILE_RULES } from './files-and-mail.ts'
import { GENERAL_RULES } from './general.ts'
import { META_RULES } from './meta.ts'
import { OBJECT_RULES } from './objects.ts'
import { HOST_RULES } from './network-and-host.ts'
import type { ConformanceRule } from './rule.ts'

/** Every normative statement on STIX content, in the order of the specification. */
export const RULES: readonly ConformanceRule[] = [
  ...GENERAL_RULES,
  ...OBJECT_RULES,
  ...FILE_RULES,
  ...HOST_RULES,
  ...META_RULES,
]

const CHAPTERS: readonly [title: string, rules: readonly ConformanceRule[]][] = [
  ['Data types and general concepts', GENERAL_RULES],
  ['Domain and relationship objects', OBJECT_RULES],
  ['Cyber-observable objects', [...FILE_RULES, ...HOST_RULES]],
  ['Meta objects, bundles, customising', META_RULES],
]

const INTRODUCTION = `# STIX 2.1 conformance

What \`noroshi validate\` makes of each normative statement of [STIX 2.1](https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html)
on content. A broken MUST is an error; a broken SHOULD is a warning under \`--strict\`. Beside these rules, every property of
the tables in sections 2 to 8 is held to its data type, its list, its references and its vocabulary, and every required one
must be there: the tests try each property of each type.

This page is written from the rules in \`src/stix/conformance/\`; a test breaks each of them and expects its code, and compares
this page. Patterns (section 9) have their own grammar and tests. Statements on what software does with content (sections 9
and 12, parts of 3) are not rules of content.

Statements that need two objects are checked within a bundle. Of a bundle that is read as a stream, the objects in its first
16 MiB are compared with each other; the command says how many were beyond.
`

/** The text of `docs/stix-conformance.md`. */
export function renderPage(): string {
  const tables = CHAPTERS.map(([title, rules]) => {
    const rows = rules.map((rule) => `| ${rule.section} | ${rule.level} | ${rule.rule} | ${outcome(rule)} |`)
    return [`## ${title}`, '', '| Section | Level | Statement | Finding |', '|---|---|---|---|', ...rows, ''].join('\n')
  })
  return [INTRODUCTION, ...tables].join('\n')
}

function outcome({ code, eased, why }: ConformanceRule): string {
  if (code === undefined) return `not checkable: ${why ?? ''}`
  return eased ? `\`${code}\`, as a warning: ${why ?? ''}` : `\`${code}\``
}
