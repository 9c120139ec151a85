import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromHex, type JsonObject, sha256, toBase64, utf8 } from '#base'
import { encodeFrames, ENTRY_KIND, memberIdOf, toSigner } from '#log'
import { openStore } from '#store'
import { formsOf, keepForms } from './cut-forms.ts'
import { erasePurgedCopies } from './purged-copies.ts'

test('evidence and plans lose the bytes of what was purged, and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-purged-'))
  try {
    const key = toSigner(sha256(utf8('key')))
    const member = memberIdOf(key.publicKey)
    await using store = await openStore({ folder, signer: { member, key }, now: () => 1_000 })
    const entries = ['gone', 'kept'].map((text) => ({
      kind: ENTRY_KIND.object,
      salt: new Uint8Array(32),
      time: 1,
      payload: utf8(JSON.stringify({ text })),
    }))
    const genesis = { salt: new Uint8Array(32), time: 1, incarnation: new Uint8Array(16) }
    const audience = { v: 1, tlp: 'clear' } as const
    const [outcome] = await store.commit([{ op: 'append', author: member, audience, genesis, charters: [], entries }])
    assert.ok(outcome?.op === 'append')
    const { log } = outcome
    const head = await store.log(log)
    const held = await store.entries(log, 0, 3)
    const signed = (index: number) => ({
      note: head!.checkpoint,
      index,
      entry: toBase64(held[index]!.bytes!),
      path: [],
    })
    const other = { ...signed(1), note: head!.checkpoint.replace(log, 'f'.repeat(64)) }
    const proof = { type: 'equivocation', entries: [signed(1), signed(2), other] }
    const receipt = { statement: { type: 'received', log }, signatures: [] }
    const frames = (gone: boolean) =>
      toBase64(
        encodeFrames(
          held.map(({ bytes, leaf, index }) => (gone && index === 1 ? { leaf: fromHex(leaf) } : { bytes: bytes! })),
        ),
      )
    const falseReceipt = { type: 'false-receipt', receipt, frames: frames(false) }
    const plan = {
      time: 1,
      protected: {},
      publications: [
        {
          form: 'base',
          objects: [{ id: 'note--1', text: 'gone' }, { id: 'note--2' }],
          places: [{ id: 'note--1', log, index: 1 }, { id: 'note--2', log, index: 2 }],
        },
      ],
    } // prettier-ignore
    await store.commit([
      { op: 'journal', stream: 'evidence', time: 5, value: { kind: 'equivocation', evidence: { proof } } },
      { op: 'journal', stream: 'evidence', time: 6, value: { kind: 'fork', evidence: { before: null } } },
      { op: 'journal', stream: 'evidence', time: 7, value: { kind: 'receipt', evidence: { proof: falseReceipt } } },
      { op: 'put', collection: 'case-plans', key: 'one', value: plan as unknown as JsonObject },
    ])
    await erasePurgedCopies(store, [{ log, index: 1 }])

    const rows = await store.journal<JsonObject>('evidence')
    assert.deepEqual(
      rows.map(({ sequence, time }) => [sequence, time]),
      [
        [1, 5],
        [2, 6],
        [3, 7],
      ],
    )
    const short = { ...falseReceipt, frames: frames(true) }
    assert.deepEqual(rows[2]?.value, { kind: 'receipt', evidence: { proof: short } })
    assert.deepEqual(rows[0]?.value, {
      kind: 'equivocation',
      evidence: {
        proof: {
          type: 'equivocation',
          entries: [{ note: head!.checkpoint, index: 1, path: [], leaf: held[1]!.leaf }, signed(2), other],
        },
      },
    })
    const left = (await store.record<JsonObject>('case-plans', 'one')) as unknown as typeof plan
    assert.deepEqual(left.publications[0]?.objects, [{ id: 'note--2' }])
    assert.deepEqual(left.publications[0]?.places, plan.publications[0]?.places)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('which forms an object has is forgotten with the last entry of a form, and not before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'noroshi-forms-'))
  try {
    const key = toSigner(sha256(utf8('key')))
    const member = memberIdOf(key.publicKey)
    await using store = await openStore({ folder, signer: { member, key }, now: () => 1_000 })
    const genesis = { salt: new Uint8Array(32), time: 1, incarnation: new Uint8Array(16) }
    const audience = { v: 1, tlp: 'clear' } as const
    const entry = (id: string, modified: string) => ({
      kind: ENTRY_KIND.object,
      salt: new Uint8Array(32),
      time: 1,
      payload: utf8(JSON.stringify({ id })),
      object: { id, type: 'file', modified, status: 'accepted' as const },
    })
    const release = (id: string) => ({ objectId: 'file--1', id, json: new Uint8Array(), audience, recipients: [] })
    const [outcome] = await store.commit([
      {
        op: 'append',
        author: member,
        audience,
        genesis,
        charters: [],
        entries: [entry('file--a', ''), entry('file--b', '1'), entry('file--b', '2')],
      },
      ...keepForms([release('file--1'), release('file--a'), release('file--b')]),
    ])
    assert.ok(outcome?.op === 'append')
    const { log } = outcome
    const forms = async () => (await formsOf(store, ['file--1', 'file--'])).get('file--1')
    const purge = async (index: number) => {
      await store.commit([{ op: 'purge', log, index, time: 2 }])
      await erasePurgedCopies(store, [{ log, index }])
    }
    assert.deepEqual(await forms(), ['file--a', 'file--b'])
    await store.commit([{ op: 'withhold', log, index: 1, reason: 'error', time: 2 }])
    await erasePurgedCopies(store, [])
    assert.deepEqual(await forms(), ['file--a', 'file--b'], 'what is withheld is still held')
    await purge(1)
    await purge(2)
    assert.deepEqual(await forms(), ['file--b'])
    await purge(3)
    assert.equal(await forms(), undefined)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
