import { useTranslation } from 'react-i18next'
import type { Situation } from '../node-api.ts'

/** Four figures that say at a glance whether the network works. */
export function Figures({ situation }: { situation: Situation }) {
  const { t, i18n } = useTranslation()
  const others = situation.members.filter((member) => !member.self)
  const up = others.filter((member) => member.link.state === 'up').length
  const arrived = situation.hours.reduce((sum, hour) => sum + hour.count, 0)
  const { indicators, rules } = situation.detection
  const matches = situation.newest.reduce((sum, row) => sum + row.hits, 0)
  const n = (value: number) => value.toLocaleString(i18n.language)
  return (
    <section className="figures">
      <Figure value={`${up} / ${others.length}`} name={t('membersUp')} />
      <Figure value={n(arrived)} name={t('arrived24')} />
      <Figure value={n(indicators + rules)} name={t('armed')} />
      <Figure value={n(matches)} name={t('matches')} />
    </section>
  )
}

function Figure({ value, name }: { value: string; name: string }) {
  return (
    <div className="figure">
      <b>{value}</b>
      <span>{name}</span>
    </div>
  )
}
