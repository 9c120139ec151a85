import { useComputedColorScheme } from '@mantine/core'
import { BarChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { Situation } from '../node-api.ts'

use([BarChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer])

/** Measured before it is drawn, so it must be named, not inherited. */
const FONT = 'system-ui, sans-serif'
const HOUR_MS = 3_600_000
const COLOURS = ['#3a9ea9', '#d08a45', '#8a7cc9', '#b5a536', '#c26591', '#7f8a99']

/** Signals an hour by origin, over the last day. */
export function Arrivals({ situation }: { situation: Situation }) {
  const { t, i18n } = useTranslation()
  const holder = useRef<HTMLDivElement>(null)
  const isDark = useComputedColorScheme('light') === 'dark'
  useEffect(() => {
    if (!holder.current) return
    const chart = init(holder.current, undefined, { renderer: 'svg' })
    chart.setOption(optionsOf(situation, i18n.language, isDark))
    const watch = new ResizeObserver(() => chart.resize())
    watch.observe(holder.current)
    return () => {
      watch.disconnect()
      chart.dispose()
    }
  }, [situation, i18n.language, isDark])
  return (
    <section className="panel wide" aria-label={t('arrivals')}>
      <h2>{t('arrivals')}</h2>
      <p className="note">{t('arrivalsNote')}</p>
      <div ref={holder} style={{ height: 190 }} />
    </section>
  )
}

function optionsOf(situation: Situation, language: string, isDark: boolean) {
  const last = Math.floor(situation.now / HOUR_MS) * HOUR_MS
  const hours = Array.from({ length: 24 }, (_, i) => last - (23 - i) * HOUR_MS)
  const origins = [...new Set(situation.hours.map((hour) => hour.origin))].sort()
  const ink = isDark ? '#a2acb9' : '#5a6472'
  const label = (time: number) =>
    new Date(time).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  return {
    animation: false,
    color: COLOURS,
    textStyle: { fontFamily: FONT },
    grid: { left: 44, right: 8, top: 30, bottom: 24 },
    legend: {
      right: 10,
      top: 0,
      itemGap: 18,
      textStyle: { color: ink, fontFamily: FONT },
      itemWidth: 10,
      itemHeight: 10,
      icon: 'rect',
    },
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
    xAxis: {
      type: 'category',
      data: hours.map(label),
      axisLabel: { color: ink, hideOverlap: true },
      axisTick: { show: false },
    },
    yAxis: {
      type: 'value',
      minInterval: 1,
      axisLabel: { color: ink },
      splitLine: { lineStyle: { color: isDark ? '#363b42' : '#e8ebef' } },
    },
    series: origins.map((origin) => ({
      name: origin,
      type: 'bar',
      stack: 'all',
      barMaxWidth: 26,
      data: hours.map((from) => situation.hours.find((h) => h.origin === origin && h.from === from)?.count ?? 0),
    })),
  }
}
