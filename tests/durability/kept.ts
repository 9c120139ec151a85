// Opens a folder after a crash and holds it against what was acknowledged.
import { fsckFolder } from '../../src/store/index.ts'
import { sampleAppend, sampleEntry, sampleMember } from '../../src/store/samples.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Ack } from '../../src/store/sample-publishing.ts'

/** What is wrong with a folder: acknowledged entries that are lost, faults that fsck names; empty when nothing is. */
export async function lossesOf(folder: string, acks: readonly Ack[]): Promise<string[]> {
  const losses: string[] = []
  const member = sampleMember('jp')
  {
    await using store = await openSqliteStore({ folder, signer: member, now: () => Date.now() })
    for (const { name, log, index, leaf } of acks) {
      const known = await store.log(log)
      const [entry] = known ? await store.entries(log, index, index + 1) : []
      if (entry?.leaf !== leaf) losses.push(`${name} is lost`)
      else if (!entry.bytes || !Buffer.from(entry.bytes).includes(`"name":${JSON.stringify(name)}`))
        losses.push(`${name} has other bytes`)
    }
    // Life goes on: the next entry is taken up.
    await store.commit([sampleAppend(member.member, [sampleEntry('after the crash')])])
  }
  const { faults } = await fsckFolder(folder)
  return [...losses, ...faults.map(({ message }) => message)]
}
