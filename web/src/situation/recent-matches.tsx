import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Hit } from '../node-api.ts'
import { Ago } from './ago.tsx'

/** Rows of the table; more of the same are counted in one row. */
const ROWS_MOST = 6

interface Match extends Hit {
  count: number
}

/** Matches of one signal and value as one row, newest first. */
function grouped(rows: readonly Hit[]): Match[] {
  const groups = new Map<string, Match>()
  for (const row of rows) {
    const key = `${row.origin} ${row.name} ${row.value}`
    const known = groups.get(key)
    if (known) groups.set(key, { ...known, count: known.count + 1, seen: Math.max(known.seen, row.seen) })
    else groups.set(key, { ...row, count: 1 })
  }
  return [...groups.values()].sort((a, b) => b.seen - a.seen).slice(0, ROWS_MOST)
}

/** What matched in this node's own telemetry lately, and whose signal it was. */
export function RecentMatches({ rows, now }: { rows: Hit[]; now: number }) {
  const { t } = useTranslation()
  return (
    <section className="panel" aria-label={t('recentMatches')}>
      <h2>{t('recentMatches')}</h2>
      <p className="note">{t('recentNote')}</p>
      {rows.length === 0 ? (
        <p className="empty">{t('noMatches')}</p>
      ) : (
        <Table className="list" verticalSpacing={7} fz="sm" data-table="matches">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('what')}</Table.Th>
              <Table.Th>{t('times')}</Table.Th>
              <Table.Th>{t('origin')}</Table.Th>
              <Table.Th className="hide-narrow">{t('seen')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {grouped(rows).map((row, i) => (
              <Table.Tr key={i}>
                <Table.Td className="name">
                  {row.name || row.value}
                  {row.name && row.value !== row.name && <div className="soft">{row.value}</div>}
                </Table.Td>
                <Table.Td>× {row.count}</Table.Td>
                <Table.Td>{row.origin}</Table.Td>
                <Table.Td className="hide-narrow">
                  <Ago time={row.seen} now={now} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  )
}
