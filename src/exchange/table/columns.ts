import type { IndicatorKind } from '../indicators/recognise.ts'

/** What a column holds. */
export type Role =
  | { role: 'value' | 'type' | 'name' | 'description' | 'from' | 'until' | 'labels' | 'tlp' | 'detects' }
  | { role: 'kind'; kind: IndicatorKind | 'any' }

const NAMES: readonly (readonly [Role, string])[] = [
  [
    { role: 'value' },
    'value indicator ioc ioc_value indicator_value observable artifact インジケータ 値 指標 值 指标 指標 값 지표 ค่า',
  ],
  [{ role: 'type' }, 'type kind indicator_type ioc_type observable_type 種別 種類 タイプ'],
  [{ role: 'name' }, 'name title threat malware malware_family family campaign threat_name 名称 脅威名'],
  [
    { role: 'description' },
    'description comment comments note notes context remarks details 備考 コメント 説明 概要 描述 备注 備註 说明 설명 비고 หมายเหตุ คำอธิบาย',
  ],
  [
    { role: 'from' },
    'date timestamp first_seen first_seen_utc firstseen dateadded valid_from created detected time 日時 検知日時 日付 初回観測',
  ],
  [{ role: 'until' }, 'valid_until expires expiration expiry valid_to 有効期限'],
  [{ role: 'labels' }, 'tags tag labels label category タグ カテゴリ'],
  [{ role: 'tlp' }, 'tlp marking classification 共有範囲'],
  [{ role: 'detects' }, 'to_ids'],
  [
    { role: 'kind', kind: 'any' },
    'ip ip_address ipaddress address src_ip dst_ip source_ip destination_ip c2 ipアドレス アドレス ip地址 ip位址 ip주소 ไอพี',
  ],
  [
    { role: 'kind', kind: 'any' },
    'domain fqdn host hostname domain_name ドメイン ホスト名 域名 網域 主机 도메인 โดเมน',
  ],
  [{ role: 'kind', kind: 'any' }, 'url uri link'],
  [{ role: 'kind', kind: 'any' }, 'email e_mail mail sender メールアドレス'],
  [{ role: 'kind', kind: 'any' }, 'hash md5 sha1 sha_1 sha256 sha_256 sha512 sha_512 file_hash ハッシュ ハッシュ値'],
  [{ role: 'kind', kind: 'any' }, 'cve cve_id vulnerability'],
  [{ role: 'kind', kind: 'asn' }, 'asn as as_number'],
  [{ role: 'kind', kind: 'filename' }, 'filename file_name file ファイル名'],
  [{ role: 'kind', kind: 'mutex' }, 'mutex'],
  [{ role: 'kind', kind: 'regkey' }, 'regkey registry registry_key'],
]

const ROLES: ReadonlyMap<string, Role> = new Map(
  NAMES.flatMap(([role, names]) => names.split(' ').map((name): [string, Role] => [name, role])),
)

/** Roles of the columns of a header; columns of other names have none. */
export const rolesOf = (header: readonly string[]): (Role | undefined)[] =>
  header.map((name) => ROLES.get(columnName(name)))

/** A column's name in the one form it is looked up in. */
export const columnName = (name: string): string =>
  name
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/[\s\-./()]+/g, '_')
    .replace(/^_|_$/g, '')

/** Kinds by the names that type columns give them; undefined where the value itself has to tell. */
export function kindOfType(type: string): IndicatorKind | undefined {
  return TYPES.get(columnName(type))
}

const TYPES: ReadonlyMap<string, IndicatorKind> = new Map(
  Object.entries({
    as: 'asn',
    asn: 'asn',
    filename: 'filename',
    file_name: 'filename',
    mutex: 'mutex',
    regkey: 'regkey',
    registry_key: 'regkey',
  }),
)
