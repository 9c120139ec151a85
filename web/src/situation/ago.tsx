import { useTranslation } from 'react-i18next'

const STEPS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const

/** How long ago, with the exact time in the reader's zone on hover. */
export function Ago({ time, now }: { time: number; now: number }) {
  const { t, i18n } = useTranslation()
  const passed = Math.max(0, now - time)
  const step = STEPS.find(({ ms }) => passed >= ms) ?? STEPS[3]
  return (
    <time dateTime={new Date(time).toISOString()} title={new Date(time).toLocaleString(i18n.language)}>
      {t(`ago.${step.unit}`, { n: Math.floor(passed / step.ms) })}
    </time>
  )
}
