import { Alert, Button, Container, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

/** Asks for the access token; it stays in this tab. */
export function TokenForm({ refused, onToken }: { refused: boolean; onToken: (token: string) => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  return (
    <Container size="xs" pt={96}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim()) onToken(text.trim())
        }}
      >
        <Stack gap="md">
          <Title order={1} size="h3">
            {t('tokenTitle')}
          </Title>
          <Text c="dimmed">{t('tokenHelp')}</Text>
          {refused && (
            <Alert color="red" variant="light">
              {t('tokenWrong')}
            </Alert>
          )}
          <PasswordInput
            label={t('tokenLabel')}
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
            autoFocus
          />
          <Button type="submit" disabled={!text.trim()}>
            {t('tokenUse')}
          </Button>
        </Stack>
      </form>
    </Container>
  )
}
