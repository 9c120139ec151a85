import { Badge, Button, Group } from '@mantine/core'
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'
import { askNode, type Drill, type Window } from '../node-api.ts'

/** The last drill's exposure windows as bars on one scale. */
export function ExposureWindows({ drill, token }: { drill: Drill | null; token: string }) {
  const { t, i18n } = useTranslation()
  if (!drill)
    return (
      <section className="panel">
        <h2>{t('exposure')}</h2>
        <p className="empty">{t('noDrill')}</p>
      </section>
    )
  const longest = Math.max(1, ...drill.exposure.map((window) => window.ms ?? window.censoredAtMs ?? 0))
  const title = typeof drill.title === 'string' ? drill.title : (drill.title[i18n.language] ?? drill.title['en'])
  return (
    <section className="panel" aria-label={t('exposure')}>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <div>
          <h2>{t('exposure')}</h2>
          <p className="note">
            {title}. {t('exposureNote')}
          </p>
        </div>
        <Badge
          color={drill.state === 'failed' ? 'red' : drill.state === 'passed' ? 'green' : 'gray'}
          variant="light"
          tt="none"
          style={{ flexShrink: 0 }}
        >
          {t(drill.state)}
        </Badge>
      </Group>
      {drill.exposure.length === 0 && <p className="empty">{t('drillRunning')}</p>}
      <div className="bars">
        {drill.exposure.map((window, i) => (
          <Fragment key={i}>
            <span>{labelOf(window, i18n.language, window.by && t(`by.${window.by}`))}</span>
            <Bar window={window} longest={longest} />
            <b>{window.ms === null ? t('neverClosed') : formatMs(window.ms)}</b>
          </Fragment>
        ))}
      </div>
      <Group justify="space-between" mt="xs">
        <div className="key">
          <span>
            <i style={{ background: 'var(--whole)' }} />
            {t('whole')}
          </span>
          <span>
            <i style={{ background: 'var(--cut)' }} />
            {t('cut')}
          </span>
          <span>
            <i style={{ background: 'var(--good)' }} />
            {t('known')}
          </span>
        </div>
        {drill.reportUrl && (
          <Button
            variant="subtle"
            size="xs"
            onClick={() => void openReport(drill.reportUrl ?? '', token, i18n.language)}
          >
            {t('report')}
          </Button>
        )}
      </Group>
    </section>
  )
}

function labelOf(window: Window, language: string, by: string | undefined): string {
  const wave = window.waveTitle?.[language] ?? window.waveTitle?.['en'] ?? window.wave
  return [`${window.from} → ${window.to}`, wave, by].filter(Boolean).join(' · ')
}

function Bar({ window, longest }: { window: Window; longest: number }) {
  const ms = window.ms ?? window.censoredAtMs ?? 0
  const kind = window.ms === null ? 'open' : window.known ? 'known' : window.underCut ? 'cut' : ''
  return (
    <div className="track">
      <div className={`fill ${kind}`} style={{ width: `${(ms / longest) * 100}%` }} />
    </div>
  )
}

const formatMs = (ms: number) => (ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)

/** The report needs the token, so it is fetched and then opened from memory. */
async function openReport(url: string, token: string, language: string): Promise<void> {
  const response = await askNode(`${url}?language=${language}`, token)
  const blob = new Blob([await response.text()], { type: 'text/html' })
  window.open(URL.createObjectURL(blob), '_blank', 'noopener')
}
