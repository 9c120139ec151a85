/** A peer's clock against ours, with the bound of its error: `clock +12 ±3 ms`, `clock +4 min`; empty where unknown. */
export function clockText({
  clockOffsetMs,
  clockBoundMs,
}: {
  clockOffsetMs: number | null
  clockBoundMs?: number | null
}) {
  if (clockOffsetMs === null) return ''
  const sign = clockOffsetMs < 0 ? '−' : '+'
  const size = Math.abs(clockOffsetMs)
  if (size >= 120_000) return `clock ${sign}${Math.round(size / 60_000)} min`
  return `clock ${sign}${size}${clockBoundMs == null ? '' : ` ±${clockBoundMs}`} ms`
}
