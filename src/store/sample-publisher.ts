// A process that publishes: each line on stdin is a JSON list of names; each name is an entry of its own commit, all of
// a line at once. Each is acknowledged by a line on stdout, written straight to the descriptor, when its commit resolved;
// a refused one is reported by its code.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { sampleAppend, sampleEntry, sampleMember } from './samples.ts'
import { openSqliteStore } from './sqlite/sqlite-store.ts'

const [folder = '', walPages = '4096'] = process.argv.slice(2)
const member = sampleMember('jp')
const store = await openSqliteStore({ folder, signer: member, now: () => Date.now() }, { walPages: Number(walPages) })
writeSync(1, 'ready\n')

for await (const line of createInterface({ input: process.stdin })) {
  const names = JSON.parse(line) as string[]
  await Promise.all(
    names.map(async (name) => {
      const padding = Number(/\d+$/.exec(name)?.[0] ?? 0)
      try {
        const [outcome] = await store.commit([sampleAppend(member.member, [sampleEntry(name, { padding })])])
        if (outcome?.op !== 'append') throw new Error('not appended')
        const { log, firstIndex: index, leaves } = outcome
        writeSync(1, `ack ${JSON.stringify({ name, log, index, leaf: leaves[0] })}\n`)
      } catch (error) {
        writeSync(1, `refused ${(error as { code?: string }).code ?? String(error)}\n`)
      }
    }),
  )
}
await store[Symbol.asyncDispose]()
