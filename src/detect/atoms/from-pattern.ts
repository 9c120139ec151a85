import type { Atom as PatternAtom } from '#stix'
import type { DetectCode } from '../error.ts'
import type { ObservableKind } from '../event.ts'
import { type Atom, toAtom } from './key.ts'

/** STIX object and path to the kind of atom; hash names are compared without case and dashes. */
const PATHS: Readonly<Record<string, ObservableKind>> = {
  'ipv4-addr:value': 'ipv4',
  'ipv6-addr:value': 'ipv6',
  'domain-name:value': 'domain',
  'url:value': 'url',
  'email-addr:value': 'email',
  'network-traffic:src_ref.value': 'ipv4',
  'network-traffic:dst_ref.value': 'ipv4',
  'email-message:from_ref.value': 'email',
  'email-message:sender_ref.value': 'email',
}
const HASH_PATH = /^hashes\.'?([A-Za-z0-9-]+)'?$/
const HASH_OBJECTS: Readonly<Record<string, string>> = { file: 'file', artifact: 'file', 'x509-certificate': 'cert' }
const HASHES: Readonly<Record<string, ReadonlySet<string>>> = {
  file: new Set(['md5', 'sha1', 'sha256', 'sha512']),
  cert: new Set(['md5', 'sha1', 'sha256']),
}

/** Atoms for the index, `undefined` where one of them can't be indexed, or why the pattern can't be armed at all. */
export function toAtoms(
  patternAtoms: readonly PatternAtom[],
): Atom[] | undefined | { code: DetectCode; message: string } {
  const atoms: Atom[] = []
  for (const { object, path, operator, value } of patternAtoms) {
    const kind = kindOf(object, path)
    if (!kind || typeof value !== 'string') return undefined
    if (operator === 'ISSUBSET' && kind !== 'ipv4' && kind !== 'ipv6') return undefined
    const atom = toAtom(kind, value)
    if (!atom)
      return {
        code: 'DETECT_VALUE_INVALID',
        message: `"${value.slice(0, 100)}" is no ${object} ${path}; correct the pattern.`,
      }
    atoms.push(atom)
  }
  return atoms
}

function kindOf(object: string, path: string): ObservableKind | undefined {
  const known = PATHS[`${object}:${path}`]
  if (known) return known
  const owner = HASH_OBJECTS[object]
  const name = HASH_PATH.exec(path)?.[1]?.toLowerCase().replaceAll('-', '')
  return owner && name && HASHES[owner]?.has(name) ? (`${owner}-${name}` as ObservableKind) : undefined
}
