/** Every environment variable that Noroshi reads; nobody else reads any. */
export interface Environment {
  /** NOROSHI_DIR: data directory where --dir is absent. */
  dir?: string
  /** NOROSHI_URL: address of a running node where --url is absent. */
  url?: string
  /** NOROSHI_TOKEN: token for that node. */
  token?: string
  /** NOROSHI_PASSPHRASE: opens the root key without a prompt. */
  passphrase?: string
  /** NOROSHI_TAXII_TOKEN, or NOROSHI_TAXII_USER and NOROSHI_TAXII_PASSWORD: account at another TAXII server. */
  taxiiToken?: string
  taxiiUser?: string
  taxiiPassword?: string
  /** HTTPS_PROXY (or https_proxy): links to https addresses go through it; NO_PROXY: hosts that they go to directly. */
  proxy?: { url: string; except?: string }
  /** NOROSHI_DEBUG=1: errors show their stack. */
  debug: boolean
  /** NOROSHI_LOG: level of the log, `info` where absent. */
  logLevel: string
}

/** Reads the variables out of a process environment. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const text = (name: string) => (env[name] ? { value: env[name] } : undefined)?.value
  const dir = text('NOROSHI_DIR')
  const url = text('NOROSHI_URL')
  const token = text('NOROSHI_TOKEN')
  const passphrase = text('NOROSHI_PASSPHRASE')
  const taxiiToken = text('NOROSHI_TAXII_TOKEN')
  const taxiiUser = text('NOROSHI_TAXII_USER')
  const taxiiPassword = text('NOROSHI_TAXII_PASSWORD')
  const proxy = text('HTTPS_PROXY') ?? text('https_proxy')
  const except = text('NO_PROXY') ?? text('no_proxy')
  return {
    ...(proxy === undefined ? {} : { proxy: { url: proxy, ...(except === undefined ? {} : { except }) } }),
    ...(dir === undefined ? {} : { dir }),
    ...(url === undefined ? {} : { url }),
    ...(token === undefined ? {} : { token }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(taxiiToken === undefined ? {} : { taxiiToken }),
    ...(taxiiUser === undefined ? {} : { taxiiUser }),
    ...(taxiiPassword === undefined ? {} : { taxiiPassword }),
    debug: env['NOROSHI_DEBUG'] === '1',
    logLevel: text('NOROSHI_LOG') ?? 'info',
  }
}
