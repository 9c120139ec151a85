import type { JsonObject } from '#base'
import type { Observation } from '#stix'
import { toNetwork } from './atoms/address.ts'

type Sco = JsonObject & { type: string; id: string }

/**
 * What every network sees every day: a lookup, a page, a mail, a download, a system's own processes, and traffic of the
 * networks given. A pattern one of whose observation expressions holds for any of it says nothing about an attack.
 */
export function ordinaryObservations(own: readonly string[]): Observation[] {
  const networks = own.filter((value) => toNetwork(value)).map((value) => value.split('/')[0]!)
  const domains = own.filter((value) => !toNetwork(value))
  return [
    ...['8.8.8.8', '2001:4860:4860::8888', ...networks].flatMap((address) => [
      traffic(address, 443, 'tcp'),
      traffic(address, 80, 'tcp'),
      traffic(address, 53, 'udp'),
    ]),
    ...[
      'www.google.com',
      'update.microsoft.com',
      'pool.ntp.org',
      ...domains.flatMap((name) => [name, `www.${name}`]),
    ].map((value) =>
      observed([
        { type: 'domain-name', value },
        { type: 'url', value: `https://${value}/` },
      ]),
    ),
    observed([{ type: 'url', value: 'http://www.google.com/index.html' }]),
    ...['google.com', ...domains].map((domain) => observed([{ type: 'email-addr', value: `office@${domain}` }])),
    observed([
      {
        type: 'file',
        name: 'index.html',
        size: 0,
        hashes: { 'SHA-256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
      },
    ]),
    observed([
      { type: 'process', name: 'svchost.exe', command_line: 'C:\\Windows\\System32\\svchost.exe -k netsvcs -p' },
    ]),
    observed([{ type: 'process', name: 'sshd', command_line: '/usr/sbin/sshd -D' }]),
    observed([
      { type: 'windows-registry-key', key: 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion' },
    ]),
  ]
}

function traffic(address: string, port: number, protocol: string): Observation {
  const [type, source] = address.includes(':') ? ['ipv6-addr', 'fd00::10'] : ['ipv4-addr', '10.0.0.10']
  const ends = [
    { type, value: source },
    { type, value: address },
  ]
  const connection = { type: 'network-traffic', src_port: 51_234, dst_port: port, protocols: ['ip', protocol] }
  return observed([...ends, { ...connection, src_ref: '0', dst_ref: '1' }])
}

function observed(objects: readonly JsonObject[]): Observation {
  const named = objects.map((object, at) => ({ ...object, id: String(at) }) as Sco)
  const byType = new Map<string, JsonObject[]>(Map.groupBy(named, ({ type }) => type))
  return { first: 0, last: 0, count: 1, byType, resolve: (id) => named.find((object) => object.id === id) }
}
