import { fail, type Finding, ok } from './finding.ts'
import { connects, type Proxy, socketOf } from './reach.ts'

const FORM = 'Set HTTPS_PROXY=http://[user:password@]host:port, or unset it.'

/** Whether the proxy that the environment names is one, and takes connections. Its credentials are never told. */
export async function lookAtProxy({ url, except }: Proxy): Promise<Finding[]> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return [fail('proxy', 'HTTPS_PROXY is no address of a proxy', FORM)]
  const address = new URL(url)
  const { host, port } = socketOf(address)
  const name = `${address.protocol}//${address.host}`
  const failed = await connects(host, port)
  if (failed)
    return [
      fail(
        'proxy',
        `HTTPS_PROXY ${name}: no ${failed.stage} (${failed.message})`,
        'Check its address and whether it runs; hosts that need no proxy stand in NO_PROXY.',
      ),
    ]
  return [ok('proxy', `https goes through ${name}${except === undefined ? '' : `, except to ${except}`}`)]
}
