/** One step through XML: an element that begins (or is empty), one that ends, or text. */
export type XmlEvent =
  | { kind: 'open'; name: string; attributes: () => Map<string, string>; empty: boolean }
  | { kind: 'close'; name: string }
  | { kind: 'text'; text: string }

/**
 * Walks through XML as workbooks hold it: elements, attributes, text, CDATA. Declarations and comments are passed over;
 * no entity is defined or fetched, so nothing expands. Names come without their namespace prefix.
 */
export function* walkXml(xml: string): Generator<XmlEvent> {
  let at = 0
  while (at < xml.length) {
    const open = xml.indexOf('<', at)
    if (open > at || open === -1) yield { kind: 'text', text: decoded(xml.slice(at, open === -1 ? xml.length : open)) }
    if (open === -1) return
    const special = SPECIALS.find(([start]) => xml.startsWith(start, open))
    const closing = special?.[1] ?? '>'
    const close = xml.indexOf(closing, open + (special?.[0].length ?? 1))
    if (close === -1) return
    at = close + closing.length
    if (special) {
      if (special[0] === '<![CDATA[') yield { kind: 'text', text: xml.slice(open + 9, close) }
      continue
    }
    yield tagOf(xml.slice(open + 1, close))
  }
}

const SPECIALS: readonly (readonly [string, string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['<!', '>'],
]

function tagOf(tag: string): XmlEvent {
  if (tag.startsWith('/')) return { kind: 'close', name: localName(tag.slice(1).trim()) }
  const empty = tag.endsWith('/')
  const body = empty ? tag.slice(0, -1) : tag
  const space = body.search(/\s/)
  return {
    kind: 'open',
    name: localName(space === -1 ? body : body.slice(0, space)),
    attributes: () => attributesOf(space === -1 ? '' : body.slice(space)),
    empty,
  }
}

function attributesOf(text: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single] of text.matchAll(/([\w:.-]{1,100})=(?:"([^"]*)"|'([^']*)')/g))
    attributes.set(localName(name), decoded(double ?? single ?? ''))
  return attributes
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1)

const NAMED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

function decoded(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return NAMED.get(name) ?? whole
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}
