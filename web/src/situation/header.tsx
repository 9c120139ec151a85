import { Button, Group, Text, Title, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Situation } from '../node-api.ts'
import { chooseLanguage } from '../words/words.ts'

/** Whose node this is, whether the page is live, language and colours. */
export function Header({ self, isLive }: { self: Situation['self']; isLive: boolean }) {
  const { t, i18n } = useTranslation()
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  return (
    <Group component="header" justify="space-between" align="center" wrap="wrap" gap="sm">
      <Group gap="sm" wrap="nowrap" miw={0}>
        <img src="/beacon.svg" width={34} height={34} alt="" />
        <div style={{ minWidth: 0 }}>
          <Title order={1} size="h4" lh={1.2}>
            {self.name}
          </Title>
          <Text size="sm" c="dimmed">
            Noroshi · {t('situation')} · {self.slug} · {self.nation}
          </Text>
        </div>
      </Group>
      <Group gap="xs">
        <Text size="sm" role="status" data-live={isLive}>
          <span className={`dot ${isLive ? 'up' : 'connecting'}`} />
          {isLive ? t('live') : t('reconnecting')}
        </Text>
        <Button variant="default" size="xs" onClick={() => chooseLanguage(i18n.language === 'ja' ? 'en' : 'ja')}>
          {t('language')}
        </Button>
        <Button variant="default" size="xs" onClick={() => setColorScheme(isDark ? 'light' : 'dark')}>
          {isDark ? t('toLight') : t('toDark')}
        </Button>
      </Group>
    </Group>
  )
}
