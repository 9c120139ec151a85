import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Hit } from '../node-api.ts'
import { Ago } from './ago.tsx'

/** What matched in this node's own telemetry, and whose signal it was. */
export function RecentMatches({ rows, now }: { rows: Hit[]; now: number }) {
  const { t } = useTranslation()
  return (
    <section className="panel" aria-label={t('recentMatches')}>
      <h2>{t('recentMatches')}</h2>
      {rows.length === 0 ? (
        <p className="empty">{t('noMatches')}</p>
      ) : (
        <Table className="list" verticalSpacing={7} fz="sm" data-table="matches">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('what')}</Table.Th>
              <Table.Th>{t('value')}</Table.Th>
              <Table.Th>{t('origin')}</Table.Th>
              <Table.Th className="hide-narrow">{t('seen')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row, i) => (
              <Table.Tr key={i}>
                <Table.Td className="name">{row.name}</Table.Td>
                <Table.Td>
                  <span className="name">{row.value}</span>
                </Table.Td>
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
