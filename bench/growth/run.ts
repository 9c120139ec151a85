// `npm run growth -- members | links | logs | entries`: what grows with their number, and what stays flat, as tables and plots.
// Minutes each; docs/scaling.md holds the last figures.
import { type EntriesRow, measureEntries } from './entries.ts'
import { type LinksRow, measureLinks } from './links.ts'
import { type LogsRow, measureLogs } from './logs.ts'
import { measureMembers, type MembersRow } from './members.ts'
import { plot, table } from './print.ts'

const MEMBERS = [2, 10, 20, 40, 100, 200]
const LINKS = [1, 10, 50]
const LOGS = [100, 1_000, 10_000]
const ENTRIES = [50_000, 200_000, 1_000_000]

const GROWTHS: Record<string, (sizes: readonly number[]) => Promise<void>> = {
  async members(sizes) {
    const rows: MembersRow[] = []
    for (const size of sizes) rows.push(await telling(`${size} members`, () => measureMembers(size)))
    print(rows, 'members', ['messages', 'kilobytes', 'lastMs', 'cpuPerMemberMs', 'backgroundMessages'])
  },
  async links(sizes) {
    const rows: LinksRow[] = await telling(`${sizes.join(', ')} links`, () => measureLinks(sizes))
    print(rows, 'links', ['receiptsP50Ms', 'hubCpuMs', 'hubMegabytes', 'againUpMs'])
  },
  async logs(sizes) {
    const rows: LogsRow[] = []
    for (const size of sizes) rows.push(await telling(`${size} logs`, () => measureLogs(size)))
    print(rows, 'logs', ['perLogMs', 'noChangeBytes', 'publishMs', 'readerStartMs', 'readerMegabytes'])
  },
  async entries(sizes) {
    const rows: EntriesRow[] = []
    for (const size of sizes) rows.push(await telling(`${size} entries`, () => measureEntries(size)))
    print(rows, 'entries', ['diskMegabytes', 'startMs', 'megabytes', 'pageMs', 'syncedPerSecond'])
  },
}
const SIZES: Record<string, readonly number[]> = { members: MEMBERS, links: LINKS, logs: LOGS, entries: ENTRIES }

const [name = '', ...numbers] = process.argv.slice(2)
const growth = GROWTHS[name]
const sizes = numbers.length > 0 ? numbers.map(Number) : (SIZES[name] ?? [])
if (!growth || sizes.some((size) => !Number.isSafeInteger(size) || size < 1)) {
  console.error('npm run growth -- members|links|logs|entries [SIZE…], such as: npm run growth -- members 2 20 200')
  process.exitCode = 2
} else await growth(sizes)

async function telling<T>(what: string, measure: () => Promise<T>): Promise<T> {
  process.stderr.write(`${what} …`)
  const begin = performance.now()
  const result = await measure()
  process.stderr.write(` ${Math.round((performance.now() - begin) / 1_000)} s\n`)
  return result
}

function print<Row extends object>(rows: readonly Row[], by: string, plotted: readonly (keyof Row & string)[]): void {
  const figures = rows as unknown as readonly Record<string, number>[]
  console.log(table(figures))
  for (const column of plotted) console.log(plot(figures, by, column))
}
