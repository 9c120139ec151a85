// What evidence proves and what not: guilt is found at any size, innocence survives whatever is made of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Hash, type Json, type JsonObject, parseJson, sha256, toBase64, toHex, utf8 } from '#base'
import {
  consistencyProof,
  encodeEntry,
  ENTRY_KIND,
  type Envelope,
  examineEvidence,
  inclusionProof,
  isPowerOfTwo,
  leafHash,
  nodeHash,
  type Proof,
  rootOf,
  signCheckpoint,
  type SignedEntry,
  signSnapshot,
  signStatement,
  statementHash,
  toEvidenceFile,
  toSigner,
} from '#log'
import { makeCharter, type MadeMember, makeMember, votedBy } from '../simulation/members.ts'
import { indicator } from '../testing/objects.ts'

const T = Date.UTC(2026, 4, 1)
const [jp, us, ph] = ['jp-nco', 'us-cisa', 'ph-cert'].map((slug) => makeMember(slug, T)) as [
  MadeMember,
  MadeMember,
  MadeMember,
]
const charter = makeCharter('pacific', [jp, us, ph], T)
const founding = statementHash(charter.charter)
const log = 'ab'.repeat(32) as Hash

/** A log of objects by `jp`, as it would be signed at every size. */
class Tree {
  readonly entries: Uint8Array[]
  readonly leaves: Uint8Array[]
  readonly of: Hash

  constructor(names: readonly string[], more: (name: string) => JsonObject = () => ({}), of: Hash = log) {
    this.of = of
    this.entries = names.map((name, i) =>
      encodeEntry({
        kind: ENTRY_KIND.object,
        salt: sha256(utf8(`${name}/${i}`)),
        time: T + i,
        payload: utf8(
          JSON.stringify(indicator(name.split('#')[0]!, jp.self.member, T, { description: name, ...more(name) })),
        ),
      }),
    )
    this.leaves = this.entries.map(leafHash)
  }

  root(size: number): Hash {
    return toHex(rootOf(this.leaves.slice(0, size)))
  }

  note(size: number, time = T + size, by: MadeMember = jp, root = this.root(size)): string {
    return signCheckpoint({ log: this.of, size, root, time, charters: [] }, by.self.member, by.self.nodeKey)
  }

  snapshot(size: number, reader: MadeMember, time = T + size): Envelope {
    const logs = [{ log: this.of, size, root: this.root(size) }]
    const input = { author: jp.self.member, reader: reader.self.member, previousSequence: 0, time, charters: {}, logs }
    return signSnapshot(input, jp.self.nodeKey)
  }

  path(first: number, second: number): Hash[] {
    const proof = consistencyProof(this.#hashAt, first, second).map(toHex)
    return isPowerOfTwo(first) ? [this.root(first), ...proof] : proof
  }

  entry(index: number, size: number): SignedEntry {
    const path = inclusionProof(this.#hashAt, index, size).map(toHex)
    return { note: this.note(size), index, entry: toBase64(this.entries[index]!), path }
  }

  readonly #hashAt = (level: number, index: number): Uint8Array =>
    level === 0
      ? this.leaves[index]!
      : nodeHash(this.#hashAt(level - 1, index * 2), this.#hashAt(level - 1, index * 2 + 1))
}

const file = (proof: Proof, accused: MadeMember = jp, more: object = {}): Json =>
  parseJson(
    JSON.stringify({
      ...toEvidenceFile({
        accused: accused.self.member,
        holder: us.self.member,
        found: T,
        message: 'what the holder says',
        charters: [charter] as never,
        proof,
      }),
      ...more,
    }),
  )

const names = Array.from({ length: 40 }, (_, i) => `object ${i}`)
const honest = new Tree(names)
const fork = (at: number) => new Tree(names.map((name, i) => (i < at ? name : `other ${name}`)))
const heads = (one: object, other: object, path?: Hash[]) =>
  ({ type: 'fork', heads: [one, other], ...(path ? { path } : {}) }) as unknown as Proof

test('two trees of one log convict at any two sizes, by checkpoints and by snapshots', () => {
  fc.assert(
    fc.property(
      fc.nat(39),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      (at, a, b, bySnapshot) => {
        const other = fork(at)
        const [first, second] = [Math.min(a, b), Math.max(a, b)]
        const one = bySnapshot ? { snapshot: honest.snapshot(first, us), log } : { note: honest.note(first) }
        const path = first === second ? undefined : other.path(first, second)
        const verdict = examineEvidence(file(heads(one, { note: other.note(second) }, path)))
        // The trees differ within the smaller one, or they agree as far as both go.
        assert.equal(verdict.isProved, at < first, verdict.fault)
        if (verdict.isProved) assert.equal(verdict.accused, jp.self.member)
      },
    ),
    { numRuns: 200 },
  )
})

test('a later checkpoint that is smaller convicts, an earlier one does not', () => {
  const proof = (a: string, b: string) => file({ type: 'rollback', notes: [a, b] })
  assert.equal(examineEvidence(proof(honest.note(9, T + 5), honest.note(4, T + 6))).isProved, true)
  assert.equal(examineEvidence(proof(honest.note(4, T + 6), honest.note(9, T + 5))).isProved, true)
  assert.equal(examineEvidence(proof(honest.note(9, T + 5), honest.note(4, T + 5))).isProved, false)
  assert.equal(examineEvidence(proof(honest.note(4, T + 5), honest.note(9, T + 5))).isProved, false)
  assert.equal(examineEvidence(proof(honest.note(9, T + 6), honest.note(4, T + 5))).isProved, false)
})

test('two contents of one version convict, two versions and two spellings do not', () => {
  const twice = new Tree(['object 1#a', 'object 1#b', 'object 2#a'])
  const two = (a: SignedEntry, b: SignedEntry) => file({ type: 'equivocation', entries: [a, b] })
  assert.equal(examineEvidence(two(twice.entry(0, 3), twice.entry(1, 2))).isProved, true)
  assert.equal(examineEvidence(two(twice.entry(0, 3), twice.entry(2, 3))).isProved, false)
  assert.equal(examineEvidence(two(twice.entry(0, 3), twice.entry(0, 2))).isProved, false)
  const versions = new Tree(['object 1#a', 'object 1#b'], (name): JsonObject =>
    name.endsWith('b') ? { modified: '2027-01-01T00:00:00.000Z' } : {},
  )
  assert.equal(examineEvidence(two(versions.entry(0, 2), versions.entry(1, 2))).isProved, false)
})

test('an object in another member’s name convicts; in the own name, or in that of somebody outside, it does not', () => {
  const by = (creator: string) => new Tree(['object'], () => ({ created_by_ref: creator })).entry(0, 1)
  const judged = (creator: string) => examineEvidence(file({ type: 'forged-author', entry: by(creator) })).isProved
  assert.equal(judged(us.self.member), true)
  assert.equal(judged(jp.self.member), false)
  assert.equal(judged('identity--11111111-2222-4333-8444-555555555555'), false)
})

test('who voted for both sides of a fork is convicted, nobody else', () => {
  const next = (name: string) =>
    votedBy(
      {
        ...charter.charter,
        version: 2,
        previous: founding,
        time: T + 1,
        members: charter.charter.members.map((row) => ({ ...row, name })),
      },
      [jp, us],
    )
  const [a, b] = [next('A'), next('B')]
  const of = (member: MadeMember, voted: typeof a) =>
    voted.votes.find(({ statement }) => statement['member'] === member.self.member)!
  const judged = (accused: MadeMember, one: Envelope, other: Envelope) =>
    examineEvidence(
      file({ type: 'double-vote', charters: [a.charter, b.charter] as never, votes: [one, other] }, accused),
    )
  assert.equal(judged(jp, of(jp, a), of(jp, b)).isProved, true)
  assert.equal(judged(jp, of(jp, a), of(us, b)).isProved, false)
  assert.equal(judged(ph, of(jp, a), of(jp, b)).isProved, false)
  assert.equal(judged(jp, of(jp, a), of(jp, a)).isProved, false)
})

test('an omission and what one node saw convict nobody, and say so', () => {
  const { entry: _, ...rest } = honest.entry(3, 9)
  const verdict = examineEvidence(file({ type: 'omission', entry: { ...rest, leaf: toHex(honest.leaves[3]!) } }))
  assert.deepEqual([verdict.isProved, verdict.shown.length, verdict.fault], [false, 1, undefined])
  assert.match(verdict.open[0]!, /holder’s word/)
  assert.equal(examineEvidence(file({ type: 'witness', seen: { guilty: true } })).isProved, false)
})

test('whatever is put together of what an honest member signed, or made up, convicts it of nothing', () => {
  const size = fc.integer({ min: 1, max: 40 })
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
  const other = fork(5)
  const head = fc.oneof(
    size.map((n) => ({ note: honest.note(n) })),
    size.map((n) => ({ snapshot: honest.snapshot(n, us), log })),
    size.map((n) => ({ note: other.note(n, T + n, us) })),
    size.map((n) => ({
      note: other.note(n).replace(/\n— .*\n$/, honest.note(n).slice(honest.note(n).lastIndexOf('\n— '))),
    })),
  )
  const path = fc.oneof(
    fc
      .tuple(size, size)
      .filter(([a, b]) => a < b)
      .map(([a, b]) => honest.path(a, b)),
    fc
      .tuple(size, size)
      .filter(([a, b]) => a < b)
      .map(([a, b]) => other.path(a, b)),
    fc.array(hash, { maxLength: 8 }),
  )
  const entry = fc
    .tuple(size, size)
    .filter(([a, b]) => a < b)
    .map(([a, b]) => honest.entry(a, b))
  const proof = fc.oneof(
    fc.tuple(head, head, fc.option(path)).map(([a, b, p]) => heads(a, b, p ?? undefined)),
    fc
      .tuple(size, size)
      .map(([a, b]) => ({ type: 'rollback', notes: [honest.note(a), honest.note(b)] }) as unknown as Proof),
    fc.tuple(entry, entry).map((entries) => ({ type: 'equivocation', entries }) as unknown as Proof),
    fc
      .tuple(entry, path, size)
      .map(
        ([one, p, index]) => ({ type: 'equivocation', entries: [one, { ...one, index, path: p }] }) as unknown as Proof,
      ),
    entry.map((one) => ({ type: 'forged-author', entry: one }) as unknown as Proof),
  )
  fc.assert(
    fc.property(proof, fc.constantFrom(jp, us, ph), (one, accused) => {
      assert.equal(examineEvidence(file(one, accused)).isProved, false)
    }),
    { numRuns: 600 },
  )
})

const guilty: Record<string, Json> = {
  fork: file(heads({ note: honest.note(9) }, { note: fork(3).note(9) })),
  growth: file(heads({ note: honest.note(5) }, { note: fork(3).note(12) }, fork(3).path(5, 12))),
  rollback: file({ type: 'rollback', notes: [honest.note(9, T + 1), honest.note(4, T + 2)] }),
  equivocation: (() => {
    const twice = new Tree(['object 1#a', 'object 1#b'])
    return file({ type: 'equivocation', entries: [twice.entry(0, 2), twice.entry(1, 2)] })
  })(),
}

/** Every place of a value at which something stands that is no list and no object. */
function places(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (Array.isArray(value)) return value.flatMap((one, at) => places(one, [...path, at]))
  if (value !== null && typeof value === 'object')
    return Object.entries(value).flatMap(([name, one]) => places(one, [...path, name]))
  return [path]
}

function withChange(value: Json, path: readonly (string | number)[], change: (old: Json) => Json): Json {
  const copy = structuredClone(value)
  let at = copy as unknown as Record<string | number, Json>
  for (const step of path.slice(0, -1)) at = at[step] as unknown as Record<string | number, Json>
  at[path.at(-1)!] = change(at[path.at(-1)!]!)
  return copy
}

for (const [kind, evidence] of Object.entries(guilty))
  test(`${kind}: changed anywhere, it never convicts another member, and no change to what is signed passes`, () => {
    const all = places(evidence)
    const ids = [us, ph].map(({ self }) => self.member)
    assert.equal(examineEvidence(evidence).isProved, true)
    const change = fc.oneof(
      fc.nat().map((n) => (old: Json): Json => {
        if (typeof old !== 'string' || old === '') return typeof old === 'number' ? old + 1 + n : 'x'
        const at = n % old.length
        return old.slice(0, at) + (old[at] === 'a' ? 'b' : 'a') + old.slice(at + 1)
      }),
      fc.constantFrom(...ids, null, [], {}, 'x', 0).map((next) => (): Json => next as Json),
      fc.constant((old: Json): Json =>
        typeof old === 'string' ? old.replaceAll(jp.self.member, us.self.member) : old,
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 3 }), (changes) => {
        let changed = evidence
        for (const [at, how] of changes) {
          const path = all[at % all.length]!
          try {
            changed = withChange(changed, path, how)
          } catch {
            // An earlier change took the place away.
          }
        }
        const verdict = examineEvidence(changed)
        if (verdict.isProved) assert.equal(verdict.accused, jp.self.member)
        const { proof, accused } = evidence as { proof: Json; accused: Json }
        const now = changed as { proof: Json; accused: Json }
        if (JSON.stringify(now.accused) !== JSON.stringify(accused)) assert.equal(verdict.isProved, false)
        else if (verdict.isProved && kind !== 'growth') assert.equal(notes(now.proof).join(), notes(proof).join())
      }),
      { numRuns: 400 },
    )
  })

/** Signed texts of a proof, as far as a verifier reads them. */
const notes = (proof: Json): string[] =>
  [...JSON.stringify(proof).matchAll(/noroshi\/v1\/[0-9a-f]{64}\\n\d+\\n[^\\]+\\ntime \d+/g)].map(([text]) => text)

test('a key that its member called compromised, or one that was not in force, convicts nobody', () => {
  const root = jp.root
  const key = toBase64(jp.self.nodeKey.publicKey)
  const end = (reason: string, until: number) =>
    signStatement('delegation-end', { member: jp.self.member, key, until, reason, time: T + 100 }, [root])
  const proof = heads({ note: honest.note(9) }, { note: fork(3).note(9) })
  const judged = (one: Envelope) => examineEvidence(file(proof, jp, { keys: [one] })).isProved
  assert.equal(judged(end('replaced', T + 1_000)), true)
  assert.equal(judged(end('replaced', T)), false)
  assert.equal(judged(end('compromised', T + 1_000)), false)
})

test('an alliance that somebody made up does not lend a member’s name: its founding hash is not the one that is known', () => {
  const forger = toSigner(sha256(utf8('forger')))
  const delegation = signStatement(
    'delegation',
    { member: jp.self.member, key: toBase64(forger.publicKey), purpose: 'node', from: 0, until: T * 2 },
    [forger],
  )
  const row = {
    ...jp.self.profile,
    firstRoot: jp.self.profile.root,
    root: toBase64(forger.publicKey),
    delegations: [delegation],
  }
  const made: MadeMember = { self: { ...jp.self, nodeKey: forger, profile: row as never }, root: forger }
  const fake = makeCharter('pacific', [made], T)
  const proof = heads({ note: honest.note(9, T + 9, made) }, { note: fork(3).note(9, T + 9, made) })
  const forged = file(proof, jp, { charters: [fake] })
  assert.equal(examineEvidence(forged, founding).isProved, false)
  const both = file(proof, jp, { charters: [fake, { ...charter, charter: { ...charter.charter, alliance: 'other' } }] })
  assert.equal(examineEvidence(both, founding).isProved, false)
  const verdict = examineEvidence(forged)
  assert.notEqual(verdict.alliances[0]?.founding, founding)
  assert.ok(
    verdict.open.some((line) => /root key was replaced/.test(line)),
    'and a reader is told what it rests on',
  )
  const own: Partial<typeof row> = { ...row }
  delete own.firstRoot
  const cheap = file(proof, jp, {
    charters: [makeCharter('pacific', [{ ...made, self: { ...made.self, profile: own as never } }], T)],
  })
  assert.equal(examineEvidence(cheap).isProved, false, 'a member id is that of its first root key')
})

test('charters that lack votes, or whose first version is missing, give no keys', () => {
  const proof = heads({ note: honest.note(9) }, { note: fork(3).note(9) })
  assert.equal(
    examineEvidence(file(proof, jp, { charters: [{ ...charter, votes: charter.votes.slice(1) }] })).isProved,
    false,
  )
  const second = votedBy({ ...charter.charter, version: 2, previous: founding, time: T + 1 }, [jp, us, ph])
  assert.equal(examineEvidence(file(proof, jp, { charters: [second] })).isProved, false)
  assert.equal(examineEvidence(file(proof, jp, { charters: [charter, second] })).isProved, true)
})
