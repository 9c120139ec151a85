import { useState } from 'react'
import { keepToken, takeToken } from './node-api.ts'
import { SituationPage } from './situation/situation-page.tsx'
import { TokenForm } from './token-form.tsx'

/** The page: asks for a token where there is none, and shows the situation. */
export function App() {
  const [token, setToken] = useState(takeToken)
  const [refused, setRefused] = useState(false)
  if (token && !refused) return <SituationPage token={token} onRefused={() => setRefused(true)} />
  return (
    <TokenForm
      refused={refused}
      onToken={(next) => {
        keepToken(next)
        setToken(next)
        setRefused(false)
      }}
    />
  )
}
