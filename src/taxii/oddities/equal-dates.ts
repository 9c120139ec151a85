import { fromMicros, toMicros } from '../time.ts'

/**
 * Many objects with one date added, of which a page holds only some: `added_after` that very date would miss the others. So
 * a pull goes on from a microsecond earlier, and leaves out what it has.
 * @see https://github.com/OpenCTI-Platform/connectors/issues/1298, https://github.com/OpenCTI-Platform/opencti/issues/4537
 */
export const beforeDate = (date: string): string => fromMicros(Math.max(0, toMicros(date, 'date') - 1))
