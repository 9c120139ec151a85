import { Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { OpenTask } from '../node-api.ts'
import { Ago } from './ago.tsx'

/** What waits for the node's people after recalls; nothing is shown where nothing waits. */
export function OpenTasks({ tasks, now }: { tasks: { count: number; oldest: OpenTask[] } | null; now: number }) {
  const { t } = useTranslation()
  if (!tasks || tasks.count === 0) return null
  return (
    <section className="panel" aria-label={t('openTasks')}>
      <h2>{t('openTasks')}</h2>
      <p className="note">{t('openTasksNote', { count: tasks.count })}</p>
      <Table className="list" verticalSpacing={7} fz="sm" data-list="tasks">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('what')}</Table.Th>
            <Table.Th>{t('task')}</Table.Th>
            <Table.Th>{t('since')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tasks.oldest.map((task) => (
            <Table.Tr key={task.id}>
              <Table.Td>
                {t(`taskKind.${task.kind}`)}
                {task.type ? ` (${task.type})` : ''}
                {task.count > 1 ? ` × ${task.count}` : ''}
                <div className="soft small">{t('tookBack', { who: task.slug, what: task.recalled })}</div>
              </Table.Td>
              <Table.Td>
                <code>{task.id}</code>
              </Table.Td>
              <Table.Td className="soft">
                <Ago time={task.time} now={now} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  )
}
