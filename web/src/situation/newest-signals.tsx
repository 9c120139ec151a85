import { Badge, Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Arrival } from '../node-api.ts'
import { Ago } from './ago.tsx'
import { TlpLabel } from './tlp-label.tsx'

/** What arrived last, with origin and marking. */
export function NewestSignals({ rows, now }: { rows: Arrival[]; now: number }) {
  const { t } = useTranslation()
  return (
    <section className="panel wide" aria-label={t('newest')}>
      <h2>{t('newest')}</h2>
      {rows.length === 0 ? (
        <p className="empty">{t('noSignals')}</p>
      ) : (
        <Table className="list" verticalSpacing={7} fz="sm" data-table="newest">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('what')}</Table.Th>
              <Table.Th>{t('origin')}</Table.Th>
              <Table.Th>{t('marking')}</Table.Th>
              <Table.Th className="hide-narrow">{t('use')}</Table.Th>
              <Table.Th className="hide-narrow">{t('when')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={`${row.origin} ${row.id}`}>
                <Table.Td>
                  <span className="name">{row.name || row.id}</span>{' '}
                  <span style={{ color: 'var(--soft)' }}>{row.type}</span>
                </Table.Td>
                <Table.Td>
                  {row.creator ? t('republished', { creator: row.creator, origin: row.origin }) : row.origin}
                </Table.Td>
                <Table.Td>
                  <TlpLabel tlp={row.tlp} />
                </Table.Td>
                <Table.Td className="hide-narrow">
                  {row.armed && (
                    <Badge variant="light" size="sm" tt="none">
                      {t('isArmed')}
                    </Badge>
                  )}{' '}
                  {row.hits > 0 && (
                    <Badge variant="light" color="orange" size="sm" tt="none">
                      {t('hits', { count: row.hits })}
                    </Badge>
                  )}
                </Table.Td>
                <Table.Td className="hide-narrow">
                  <Ago time={row.arrived} now={now} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </section>
  )
}
