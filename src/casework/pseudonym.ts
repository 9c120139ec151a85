import { createHmac } from 'node:crypto'
import type { MemberId } from '#base'
import type { Store } from '#store'

const COLLECTION = 'pseudonyms'
/** Numbers of an alliance's sources: few digits to speak, and room so that a number tells no count. */
const NUMBERS = 10_000

/**
 * The name of a source in one alliance, such as `ph-source-4711`: stable there, and by nothing alike in another one. Its
 * number comes from the node's secret, so that nobody else can compute it, and from no counter, which would tell who came
 * when.
 */
export async function pseudonymOf(
  store: Store,
  secret: Uint8Array,
  who: { alliance: string; org: MemberId; nation: string },
): Promise<string> {
  const { alliance, org, nation } = who
  const first = createHmac('sha256', secret).update(`pseudonym\n${alliance}\n${org}`).digest().readUInt32BE() % NUMBERS
  for (let step = 0; step < NUMBERS; step++) {
    const number = (first + step) % NUMBERS
    const key = `${alliance} ${number}`
    const [outcome] = await store.commit([{ op: 'put', collection: COLLECTION, key, value: org, ifAbsent: true }])
    const isMine = (outcome?.op === 'put' && outcome.stored) || (await store.record<string>(COLLECTION, key)) === org
    if (isMine) return `${nation.toLowerCase()}-source-${number}`
  }
  throw new Error(`Every pseudonym of ${alliance} is taken`)
}
