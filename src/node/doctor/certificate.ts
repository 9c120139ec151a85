import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Millis } from '#base'
import { isLoopback, type NodeConfig } from '../config.ts'
import { fail, type Finding, ok, warn } from './finding.ts'

const DAY_MS = 86_400_000
/** A certificate that ends sooner needs somebody's attention this month. */
const SOON_DAYS = 21

/** Whether the node's certificate fits its key, its name and the date. */
export async function lookAtCertificate(config: NodeConfig, now: Millis): Promise<Finding[]> {
  const { tls, listen, behindProxy, publicUrl } = config
  if (!tls) {
    if (behindProxy) return [ok('certificate', 'TLS ends at the proxy in front of this node')]
    if (isLoopback(listen.host)) return [ok('certificate', 'none needed: the node listens on this machine alone')]
    return [
      fail(
        'certificate',
        `none, though the node listens on ${listen.host}`,
        'Set "tls" in noroshi.json, or "behindProxy" if a proxy ends TLS.',
      ),
    ]
  }
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(await readFile(tls.certFile))
    if (!certificate.checkPrivateKey(createPrivateKey(await readFile(tls.keyFile))))
      return [
        fail('certificate', `${tls.keyFile} is not the key of ${tls.certFile}`, 'Name the pair that belongs together.'),
      ]
  } catch (error) {
    return [fail('certificate', (error as Error).message, 'Correct "tls" in noroshi.json; the files are PEM.')]
  }
  return [lifeOf(certificate, now), ...nameOf(certificate, publicUrl)]
}

function lifeOf(certificate: X509Certificate, now: Millis): Finding {
  const from = Date.parse(certificate.validFrom)
  const until = Date.parse(certificate.validTo)
  const days = Math.floor((until - now) / DAY_MS)
  if (now < from)
    return fail('certificate', `counts only from ${new Date(from).toISOString()}`, 'Check this machine’s clock.')
  if (days < 0) return fail('certificate', `ended ${-days} days ago`, 'Renew it, and restart the node.')
  const what = `good for ${days} more days`
  return days < SOON_DAYS ? warn('certificate', what, 'Renew it, and restart the node.') : ok('certificate', what)
}

function nameOf(certificate: X509Certificate, publicUrl: string | undefined): Finding[] {
  if (publicUrl === undefined) return []
  const host = new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')
  const fits = isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)
  return [
    fits === undefined
      ? fail('certificate', `is not for ${host}, the name in "publicUrl"`, 'Peers refuse it: get one for that name.')
      : ok('certificate', `is for ${host}`),
  ]
}
