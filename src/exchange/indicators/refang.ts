/** A line with its indicators made whole again. */
export interface Refanged {
  text: string
  /** Whether anything in the line was defanged. */
  defanged: boolean
}

const FULL_WIDTH = /[\uFF01-\uFF5E]/g

/** Each way of defanging, and what it stands for. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/\bh(?:xx|\*\*|tt|XX|TT)p(s?)(?:\[:\]|\(:\)|:|\[:\/\/\]|\[:\/\]\/?|__)(?:\[\/\]|[\\/]){0,2}/gi, ''],
  [/[ \t]?[[({<][ \t]?(?:\.|dot|punkt|点)[ \t]?[\])}>][ \t]?/gi, '.'],
  [/[ \t]?[[({<][ \t]?(?:@|at|アット)[ \t]?[\])}>][ \t]?/gi, '@'],
  [/\[:\]/g, ':'],
  [/\[\/\]/g, '/'],
  [/(?<=\w)\\\.(?=\w)/g, '.'],
  [/(?<=\w)\[\.(?=\w)/g, '.'],
  [/(?<=\w)\.\](?=\w)/g, '.'],
]

/** Undoes `hxxp`, `[.]`, `(dot)`, `[@]`, `(at)` and their kin, and full-width letters. Linear in the line. */
export function refang(line: string): Refanged {
  const narrow = line.replace(FULL_WIDTH, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
  let text = narrow.replace(/\b(s?ftp|fxp|meow)\b(?=\[?:)/gi, (scheme) =>
    /^(?:fxp)$/i.test(scheme) ? 'ftp' : /^meow$/i.test(scheme) ? 'http' : scheme,
  )
  for (const [form, meaning] of FORMS) {
    text = text.replace(form, (whole: string, tail: unknown) =>
      meaning === '' ? `http${typeof tail === 'string' ? tail.toLowerCase() : ''}://` : meaning,
    )
  }
  return { text, defanged: undone(narrow) !== undone(text) }
}

/** Writing of a scheme in capitals is no defanging. */
const undone = (text: string) => text.toLowerCase()
