import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#base'
import { scoId } from './sco-id.ts'

const SHA_256 = 'fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db'

test("the ids of the specification's own examples come out", () => {
  const examples: [string, JsonObject][] = [
    ['ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4', { value: '198.51.100.3' }],
    ['ipv6-addr--85a85a8c-ee99-5722-946d-3c3a3270fc6f', { value: '2001:0db8:85a3:0000:0000:8a2e:0370:7334' }],
    ['domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7', { value: 'example.com' }],
    ['mac-addr--757b1725-9903-54f5-a855-1240691d7659', { value: 'd2:fb:49:24:37:18' }],
    ['url--47c3cf9a-5027-5bf0-997a-017c7edc7c55', { value: 'https://example.com/research/index.html' }],
    ['email-addr--7165e2a9-671f-585d-b1e1-ca59c671d934', { value: 'john@example.com', display_name: 'John Doe' }],
    ['mutex--f93fe911-e545-5239-b9b0-597840d0c871', { name: '__CLEANSWEEP__' }],
    ['directory--0a58d0c1-59e6-5afd-8252-dcd3f13e5622', { path: 'C:\\Windows\\System32' }],
    ['autonomous-system--3aa27478-50b5-5ab8-9da9-cdc12b657fff', { number: 15_139, name: 'Slime Industries' }],
    ['file--949eb97a-da1e-5292-8959-03c4249dc9f3', { hashes: { 'SHA-256': SHA_256 }, size: 25_536, name: 'foo.dll' }],
    [
      'software--710b0b41-d4d0-5d6c-a400-fc9254554ffc',
      { name: 'Word', cpe: 'cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*', version: '2002', vendor: 'Microsoft' },
    ],
    [
      'user-account--f94d689e-707d-58c3-b803-c720bb6ed096',
      { user_id: '1001', account_login: 'jdoe', account_type: 'unix', display_name: 'John Doe' },
    ],
    [
      'windows-registry-key--f6a11ddf-fa2b-54c8-97ab-e7f28413095a',
      {
        key: 'hkey_local_machine\\system\\bar\\foo',
        values: [
          { name: 'Foo', data: 'qwerty', data_type: 'REG_SZ' },
          { name: 'Bar', data: '42', data_type: 'REG_DWORD' },
        ],
      },
    ],
    [
      'x509-certificate--bf86f034-2390-54d7-8426-d08433db3fbe',
      { serial_number: '36:f7:d4:32:f4:ab:70:ea:d3:ce:98:6e:ea:99:93:49:32:0a:b7:06', issuer: 'C=ZA' },
    ],
  ]
  for (const [id, properties] of examples) assert.equal(scoId({ type: id.split('--')[0] ?? '', ...properties }), id)
})

test('of several hashes one counts, MD5 before SHA-1 before SHA-256 before SHA-512 before others by name', () => {
  const file = (hashes: JsonObject) => scoId({ type: 'file', hashes })
  assert.equal(file({ 'SHA-256': SHA_256, MD5: 'a' }), file({ MD5: 'a' }))
  assert.equal(file({ 'SHA-512': 'b', 'SHA-256': SHA_256 }), file({ 'SHA-256': SHA_256 }))
  assert.equal(file({ zzz: '1', aaa: '2', 'SHA-512': 'b' }), file({ 'SHA-512': 'b' }))
  assert.equal(file({ zzz: '1', aaa: '2' }), file({ aaa: '2' }))
})

test('nothing that identifies the object, or a type without a rule, has no deterministic id', () => {
  const objects: JsonObject[] = [
    { type: 'process', pid: 1 },
    { type: 'file', size: 1 },
    { type: 'x-own', value: 'a' },
    { type: 'tool', name: 'a' },
    { type: 'constructor' },
    {},
  ]
  for (const object of objects) assert.equal(scoId(object), undefined, JSON.stringify(object))
})
