import { Alert, Loader, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useLiveEvents } from '../live-events.ts'
import { fetchSituation, TokenRefused } from '../node-api.ts'
import { Arrivals } from './arrivals.tsx'
import { ExposureWindows } from './exposure-windows.tsx'
import { Figures } from './figures.tsx'
import { Header } from './header.tsx'
import { MemberRing } from './member-ring.tsx'
import { NewestSignals } from './newest-signals.tsx'
import { OpenTasks } from './open-tasks.tsx'
import { RecentMatches } from './recent-matches.tsx'

/** Also without events the page is never older than this. */
const REFRESH_MS = 15_000

/** Members and link health, what arrived, what matched, and the last drill, live. */
export function SituationPage({ token, onRefused }: { token: string; onRefused: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const refresh = useCallback(() => void queries.invalidateQueries({ queryKey: ['situation'] }), [queries])
  const isLive = useLiveEvents(token, refresh)
  const { data, error } = useQuery({
    queryKey: ['situation', token],
    queryFn: ({ signal }) => fetchSituation(token, signal),
    refetchInterval: REFRESH_MS,
    retry: (count, reason) => !(reason instanceof TokenRefused) && count < 1000,
    retryDelay: 2_000,
  })
  useEffect(() => {
    if (error instanceof TokenRefused) onRefused()
  }, [error, onRefused])

  if (!data)
    return (
      <div className="empty" role="status">
        <Loader size="sm" />
        <Text mt="sm">{error ? t('unreachable') : t('loading')}</Text>
      </div>
    )
  return (
    <div className="page">
      <Header self={data.self} isLive={isLive} />
      {!isLive && error && <Alert color="orange">{t('unreachable')}</Alert>}
      <Figures situation={data} />
      <main className="grid">
        <MemberRing situation={data} />
        <div className="column">
          <ExposureWindows drill={data.drill} token={token} />
          <RecentMatches rows={data.hits} now={data.now} />
          <OpenTasks tasks={data.tasks} now={data.now} />
        </div>
        <Arrivals situation={data} />
        <NewestSignals rows={data.newest} now={data.now} />
      </main>
    </div>
  )
}
