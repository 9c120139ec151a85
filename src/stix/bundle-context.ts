import type { Json, JsonObject } from '#base'
import { checkBundle } from './engine/bundle.ts'
import { checkBundleContext, type Placed } from './engine/bundle-context.ts'
import { isObject } from './engine/check.ts'
import { checkObject } from './engine/checkers.ts'
import { Sink } from './engine/sink.ts'
import type { Report } from './report.ts'
import { toReport, type ValidateOptions } from './validate.ts'

/** Bytes of JSON whose objects are kept to be compared: most bundles are smaller; parsed, they take about thrice that. */
const KEPT_LIMIT_BYTES = 16_777_216

/**
 * Validates a bundle that comes as a stream: its objects one by one, elsewhere; here its other members, and what its
 * objects say about each other.
 *
 *     const context = new BundleContext()
 *     for (const item of reader.push(chunk))
 *       if (item.kind === 'object') context.add(item.value, item.bytes.length)
 *       else if (item.kind === 'bundle') report = context.close(item.value, item.objects, options)
 *       else context.add(null, 0)
 */
export class BundleContext {
  readonly #limit: number
  #kept: Placed[] = []
  #keptBytes = 0
  #count = 0
  #isFull = false
  /** Objects of bundles that were beyond the limit, and so were compared with no other. */
  notCompared = 0

  constructor(limit = KEPT_LIMIT_BYTES) {
    this.#limit = limit
  }

  /** Takes the next object of the stream, `null` for one that could not be read; it is kept while there is room. */
  add(object: Json, bytes: number): void {
    const index = this.#count++
    this.#keptBytes += bytes
    this.#isFull ||= this.#keptBytes > this.#limit
    if (!this.#isFull && isObject(object)) this.#kept.push({ object, index })
  }

  /** Reports on a bundle whose `objects` were taken before, so many of them; paths count from its first. */
  close(bundle: JsonObject, objects: number, options: ValidateOptions = {}): Report {
    const sink = new Sink(options.strict === true, checkObject)
    const { objects: _, ...rest } = bundle
    checkBundle(rest, sink)
    const first = this.#count - objects
    const own = this.#kept.flatMap(({ object, index }) => (index < first ? [] : [{ object, index: index - first }]))
    const before = sink.count
    checkBundleContext(own, sink)
    if (sink.count !== before) sink.under(before, 'objects')
    if (this.#isFull) this.notCompared += objects - own.length
    this.#kept = []
    this.#keptBytes = 0
    this.#isFull = false
    return toReport(bundle, sink)
  }
}
