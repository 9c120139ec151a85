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
      <ul className="list" data-list="tasks">
        {tasks.oldest.map((task) => (
          <li key={task.id}>
            <strong>{task.id}</strong> {t(`taskKind.${task.kind}`)}
            {task.type ? ` (${task.type})` : ''} × {task.count}
            <div className="soft">
              {t('tookBack', { who: task.slug, what: task.recalled })} · <Ago time={task.time} now={now} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
