/** Elements whose content is no text. */
const SILENT = new Set(['script', 'style', 'head', 'title'])
/** Elements that end a line. */
const BREAKING = /^\/?(?:p|br|div|tr|li|h[1-6]|table|ul|ol|blockquote|pre)$/

/**
 * The text of HTML, with the addresses that its links lead to in brackets behind them: what a link says and where it leads
 * are two things in a hostile mail. Linear in its length; nothing is fetched or run.
 */
export function textOfHtml(html: string): string {
  const out: string[] = []
  let silent: string | undefined
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (silent === undefined) out.push(html.slice(at, open === -1 ? html.length : open))
    if (open === -1) break
    const close = html.startsWith('<!--', open) ? html.indexOf('-->', open + 4) + 2 : html.indexOf('>', open)
    if (close <= open) break
    const tag = html.slice(open + 1, close)
    const name = /^\/?[a-zA-Z0-9]+/.exec(tag)?.[0].toLowerCase() ?? ''
    if (silent === undefined && SILENT.has(name)) silent = name
    else if (silent !== undefined && name === `/${silent}`) silent = undefined
    if (silent === undefined) {
      if (BREAKING.test(name)) out.push('\n')
      const link = name === 'a' ? /\bhref\s*=\s*(?:"([^"]{1,2048})"|'([^']{1,2048})')/i.exec(tag) : null
      if (link) out.push(` ${link[1] ?? link[2] ?? ''} `)
    }
    at = close + 1
  }
  return out.join('').replace(/&(nbsp|amp|lt|gt|quot|#\d{1,6});/g, (_, name: string) => charOf(name))
}

const NAMED: Readonly<Record<string, string>> = { nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"' }

function charOf(name: string): string {
  if (!name.startsWith('#')) return NAMED[name] ?? ''
  const code = Number(name.slice(1))
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
}
