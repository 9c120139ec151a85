import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const PATHS = ['/usr/lib/chromium/chromium', '/usr/bin/chromium', '/usr/bin/google-chrome']

/** Debian's Chromium, headless. Fails where there is none: a browser test that did not run proves nothing. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['NOROSHI_CHROMIUM'] ?? PATHS.find((path) => existsSync(path))
  if (!executablePath) throw new Error('No Chromium found. Install it: apt-get install chromium.')
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  })
}
