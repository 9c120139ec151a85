// Opens a store, reads pages, prints what that took. Run by the store's bench as a process of its own.
import { openStore } from '#store'

const PAGES = 100
const [folder = ''] = process.argv.slice(2)
const started = performance.now()
const store = await openStore({ folder, now: () => Date.now() })
const logs = (await store.logs()).map(({ log }) => log)
let { next } = await store.objects({ logs, limit: 1_000 })
const ms = performance.now() - started
for (let i = 0; i < PAGES && next; i++) ({ next } = await store.objects({ logs, limit: 1_000, cursor: next }))
const megabytes = process.memoryUsage().rss / 1_000_000
console.log(JSON.stringify({ ms, megabytes }))
await store[Symbol.asyncDispose]()
