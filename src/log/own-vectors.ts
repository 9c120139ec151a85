// Golden vectors for what docs/wire.md settles: charters and votes, early ends of delegations, heads, frames, air-gap files.
import { canonicalJson, type Hash, type Json, type JsonObject, sha256, sha256Hex, toBase64, toHex, utf8 } from '#base'
import { type AirGapFile, encodeAirGap } from './air-gap.ts'
import { type CharterMember, type CharterStatement, checkCharter, membersAtFork } from './charter.ts'
import { signCheckpoint } from './checkpoint.ts'
import { type KeyWindow, keyWindows } from './delegation.ts'
import { encodeEntry, ENTRY_KIND, logIdOf } from './entry.ts'
import { encodeFrame, type Frame, possession } from './frames.ts'
import { memberIdOf, type Signer, toSigner } from './keys.ts'
import { genesisPayload } from './payload.ts'
import { signSnapshot } from './snapshot.ts'
import { type Envelope, signStatement, statementHash } from './statement.ts'
import { leafHash, rootOf } from './tree.ts'

/** One golden vector: the operation on `input` gives `expect`. */
export interface OwnVector {
  id: string
  op: string
  description: string
  input: Json
  expect: Json
}

const TIME = 1_767_225_600_000
const DAY = 86_400_000
const bytesOf = (name: string) => sha256(utf8(`noroshi golden vector: ${name}`))
const keyOf = (name: string): Signer => toSigner(bytesOf(name))
const idOf = (slug: string) => memberIdOf(keyOf(`root of ${slug}`).publicKey)
const json = (value: object) => JSON.parse(JSON.stringify(value)) as JsonObject

/** All vectors of this project, computed anew. */
export function ownVectors(): OwnVector[] {
  return [
    ...delegationVectors(),
    ...charterVectors(),
    ...headsVectors(),
    ...frameVectors(),
    ...airGapVectors(),
    ...recallVectors(),
  ].map((vector, i) => ({ id: `own-${String(i).padStart(3, '0')}`, ...vector }))
}

type Unnamed = Omit<OwnVector, 'id'>

function delegationOf(slug: string, purpose: 'node' | 'seal' = 'node'): Envelope {
  const key = toBase64(keyOf(`${purpose} of ${slug}`).publicKey)
  const fields = { member: idOf(slug), key, purpose, from: TIME, until: TIME + DAY }
  return signStatement('delegation', fields, [keyOf(`root of ${slug}`)]) as Envelope
}

function endOf(slug: string, until: number, reason: string): Envelope {
  const key = toBase64(keyOf(`node of ${slug}`).publicKey)
  const fields = { member: idOf(slug), key, until, reason, time: TIME + 5 }
  return signStatement('delegation-end', fields, [keyOf(`root of ${slug}`)]) as Envelope
}

function delegationVectors(): Unnamed[] {
  const cases: [string, Envelope[]][] = [
    ['no early end', [delegationOf('jp')]],
    ['replaced in the middle of its window', [delegationOf('jp'), endOf('jp', TIME + 9, 'replaced')]],
    ['ended after its window: nothing changes', [delegationOf('jp'), endOf('jp', TIME + 2 * DAY, 'lost')]],
    [
      'two ends, the earlier counts, another key is untouched',
      [
        delegationOf('jp'),
        delegationOf('jp', 'seal'),
        endOf('jp', TIME + 9, 'lost'),
        endOf('jp', TIME + 3, 'compromised'),
      ],
    ],
  ]
  return cases.map(([description, envelopes]) => {
    const root = keyOf('root of jp').publicKey
    const windows = keyWindows(envelopes, idOf('jp'), root)
    return {
      op: 'delegation.windows',
      description,
      input: { member: idOf('jp'), root_b64: toBase64(root), envelopes: envelopes.map(json) },
      expect: windows.map(toExpected),
    }
  })
}

const toExpected = ({ key, purpose, from, until, distrustedFrom }: KeyWindow) => ({
  purpose,
  from,
  until,
  ...(distrustedFrom === undefined ? {} : { distrustedFrom }),
  key_b64: toBase64(key),
})

function memberOf(slug: string, change: Partial<CharterMember> = {}): CharterMember {
  return {
    id: idOf(slug),
    slug,
    name: `Agency of ${slug.toUpperCase()}`,
    nation: slug.toUpperCase(),
    kind: 'national-csirt',
    sectors: ['government'],
    root: toBase64(keyOf(`root of ${slug}`).publicKey),
    delegations: [delegationOf(slug)],
    address: `https://${slug}.example`,
    standing: 'active',
    joined: TIME,
    ...change,
  }
}

function charterOf(members: CharterMember[], change: Partial<CharterStatement> = {}): CharterStatement {
  return {
    type: 'charter',
    alliance: 'pacific',
    version: 1,
    previous: null,
    members: members.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    rules: { quorum: 'majority', receipts: 'author', greenDefault: 'community', carriers: [] },
    time: TIME,
    ...change,
  }
}

function voteOf(slug: string, charter: CharterStatement): Envelope {
  const fields = { member: idOf(slug), alliance: 'pacific', charter: statementHash(charter), time: TIME + 1 }
  return signStatement('vote', fields, [keyOf(`root of ${slug}`)]) as Envelope
}

function charterVectors(): Unnamed[] {
  const first = charterOf(['jp', 'us', 'ph'].map((slug) => memberOf(slug)))
  const second = charterOf(
    [
      memberOf('jp', { delegations: [delegationOf('jp'), endOf('jp', TIME + 3, 'lost')] }),
      memberOf('us'),
      memberOf('ph'),
      memberOf('th', { standing: 'observer' }),
    ],
    { version: 2, previous: statementHash(first), time: TIME + 2 },
  )
  const other = charterOf([memberOf('us'), memberOf('ph', { standing: 'suspended' }), memberOf('jp')], {
    version: 2,
    previous: statementHash(first),
    time: TIME + 2,
  })
  const cases: [string, CharterStatement | undefined, CharterStatement, string[]][] = [
    ['version 1 with the votes of all', undefined, first, ['jp', 'us', 'ph']],
    ['version 1 without one vote', undefined, first, ['jp', 'us']],
    ['version 2 with two of three votes', first, second, ['jp', 'ph']],
    ['version 2: the vote of one who only joins it does not count', first, second, ['jp', 'th']],
  ]
  const verdicts = cases.map(([description, previous, charter, voters]) => {
    const votes = voters.map((slug) => voteOf(slug, charter))
    return {
      op: 'charter.check',
      description,
      input: { previous: previous ? json(previous) : null, charter: json(charter), votes: votes.map(json) },
      expect: json(checkCharter(previous, charter, votes)),
    }
  })
  const fork = {
    op: 'charter.fork',
    description: 'one side suspends a member, the other adds one',
    input: { parent: json(first), sides: [json(second), json(other)] },
    expect: membersAtFork(first, [second, other]).map((member) => member.id),
  }
  return [...verdicts, fork]
}

/** A log of three entries, the last a stub. */
function logOf() {
  const audience = { v: 1 as const, tlp: 'amber' as const, alliances: ['pacific'] }
  const genesis = genesisPayload({
    author: idOf('jp'),
    audience,
    incarnation: toHex(bytesOf('incarnation').subarray(0, 16)),
    previous: null,
  })
  const entry = (kind: number, payload: Uint8Array) =>
    encodeEntry({ kind, salt: bytesOf(`salt of ${kind}`), time: TIME + kind, payload })
  const [opening, object] = [entry(0, genesis), entry(1, utf8('{ "type": "ipv4-addr" }'))]
  const gone = leafHash(utf8('an entry that was purged'))
  const frames: Frame[] = [{ bytes: opening }, { bytes: object }, { leaf: gone }]
  const root = toHex(rootOf([leafHash(opening), leafHash(object), gone])) as Hash
  const checkpoint = { log: logIdOf(opening), size: 3, root, time: TIME + 2, charters: [] }
  const note = signCheckpoint(checkpoint, idOf('jp'), keyOf('node of jp'))
  return { log: checkpoint.log, size: 3, root, frames, note }
}

function headsVectors(): Unnamed[] {
  const { note } = logOf()
  const fields = { member: idOf('us'), reader: idOf('jp'), time: TIME + 7, heads: [note] }
  const node = keyOf('node of us')
  return [
    {
      op: 'statement.sign',
      description: 'heads that us holds of the logs of jp',
      input: { type: 'heads', fields, seed: toHex(bytesOf('node of us')) },
      expect: json(signStatement('heads', fields, [node])),
    },
  ]
}

function frameVectors(): Unnamed[] {
  const { log, frames } = logOf()
  const bytes = frames.map(encodeFrame)
  return [
    {
      op: 'frames.decode',
      description: 'two entries and a stub',
      input: { body_b64: toBase64(Buffer.concat(bytes)) },
      expect: frames.map((frame): Json =>
        'bytes' in frame ? { entry_b64: toBase64(frame.bytes) } : { leaf: toHex(frame.leaf) },
      ),
    },
    {
      op: 'possession',
      description: 'of two entries and a stub',
      input: {
        member: idOf('us'),
        log,
        from: 0,
        entries_b64: frames.map((frame) => ('bytes' in frame ? toBase64(frame.bytes) : null)),
        leaves: Object.fromEntries(frames.flatMap((frame, i) => ('leaf' in frame ? [[i, toHex(frame.leaf)]] : []))),
      },
      expect: possession(idOf('us'), log, frames),
    },
  ]
}

function airGapVectors(): Unnamed[] {
  const { log, size, root, frames, note } = logOf()
  const [author, reader] = [idOf('jp'), idOf('us')]
  const snapshot = signSnapshot(
    { author, reader, previousSequence: 0, time: TIME + 8, charters: {}, logs: [{ log, size, root }] },
    keyOf('node of jp'),
  )
  const first = charterOf(['jp', 'us'].map((slug) => memberOf(slug)))
  const ack = {
    member: author,
    log: sha256Hex(utf8('log')),
    index: 1,
    leaf: sha256Hex(utf8('leaf')),
    withheld: TIME,
    purged: null,
    time: TIME,
  }
  const file = {
    snapshot,
    charters: [{ charter: json(first), votes: [voteOf('jp', first), voteOf('us', first)] }],
    parts: [{ log, from: 0, to: size, checkpoint: note, frames }],
    statements: [signStatement('recall-ack', ack, [keyOf('node of jp')])],
  } as unknown as AirGapFile
  const bytes = encodeAirGap(file)
  return [
    {
      op: 'air-gap.decode',
      description: 'one log, one charter, one acknowledgement',
      input: { file_b64: toBase64(bytes) },
      expect: {
        sha256: sha256Hex(bytes),
        snapshot: canonicalJson(json(snapshot)),
        charters: [statementHash(first)],
        parts: [{ log, from: 0, to: size, root }],
        statements: file.statements.map((envelope) => statementHash(envelope.statement)),
      },
    },
  ]
}

function recallVectors(): Unnamed[] {
  const named = { log: sha256Hex(utf8('log')), index: 1, leaf: sha256Hex(utf8('leaf')) }
  const fields = { member: idOf('jp'), ...named, reason: 'personal-data', time: TIME }
  const statement = signStatement('recall', fields, [keyOf('node of jp')])
  const salt = bytesOf('salt of a recall')
  const payload = utf8(canonicalJson(json(statement)))
  const entry = encodeEntry({ kind: ENTRY_KIND.statement, salt, time: TIME, payload })
  return [
    {
      op: 'entry.decode',
      description: 'a recall of an entry whose log has ended',
      input: { entry_b64: toBase64(entry) },
      expect: { kind: ENTRY_KIND.statement, salt: toHex(salt), time: TIME, payload_b64: toBase64(payload) },
    },
  ]
}
