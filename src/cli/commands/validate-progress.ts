import type { Output } from '../output.ts'

/** Shortest time between two pictures of the bar, in milliseconds: drawing must not slow the work down. */
const REDRAW_MS = 100
const BAR_CELLS = 20
const MEGABYTE = 1_000_000

/** How far the work has come. */
export interface Progress {
  /** Bytes read so far, and of how many; the latter is not known of stdin. */
  bytes: number
  size?: number
  /** Milliseconds since the start. */
  elapsed: number
  objects: number
  invalid: number
}

/** Shows the progress of reading one input, where a person watches; `clock` gives milliseconds. */
export function progressBar(
  output: Output,
  name: string,
  size: number | undefined,
  clock: () => number = () => performance.now(),
): (bytes: number, counts: { objects: number; invalid: number }) => void {
  const started = clock()
  let drawn = Number.NEGATIVE_INFINITY
  return (bytes, counts) => {
    if (!output.isWatched) return
    const now = clock()
    if (now - drawn < REDRAW_MS) return
    drawn = now
    const progress = { bytes, elapsed: now - started, ...counts, ...(size === undefined ? {} : { size }) }
    output.progress(`${progressLine(progress)} ${name}`)
  }
}

/** One line of progress: the bar, bytes, rate, time left (or passed, where the size is unknown), counts. */
export function progressLine({ bytes, size, elapsed, objects, invalid }: Progress): string {
  const rate = elapsed > 0 ? (bytes / elapsed) * 1_000 : 0
  const counts = `${grouped(objects)} objects, ${grouped(invalid)} invalid`
  const speed = `${megabytes(rate)} MB/s`
  if (!size) return `${megabytes(bytes)} MB  ${speed}  ${duration(elapsed / 1_000)}  ${counts}`
  const left = rate > 0 ? `${duration(Math.max(0, size - bytes) / rate)} left` : '–:–– left'
  return `${bar(bytes / size)}  ${megabytes(bytes)}/${megabytes(size)} MB  ${speed}  ${left}  ${counts}`
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_CELLS)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${String(Math.floor(Math.min(1, share) * 100)).padStart(3)} %`
}

const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1)
const grouped = (count: number) => count.toLocaleString('en-US')

/** Minutes and seconds, and hours where there are any. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60]
  const padded = (part: number) => String(part).padStart(2, '0')
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`
}
