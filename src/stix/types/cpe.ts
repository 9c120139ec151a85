const PART = /^[aho*-]$/
const ESCAPED = /\\./g
const COMPONENTS = 13
const LONGEST_CHARACTERS = 2_048

/** Whether the text is a CPE 2.3 formatted string: `cpe:2.3:` and eleven components. @see NIST IR 7695 section 6.2 */
export function isCpe(text: string): boolean {
  if (text.length > LONGEST_CHARACTERS) return false
  const components = text.replaceAll(ESCAPED, '_').split(':')
  if (components.length !== COMPONENTS || components[0] !== 'cpe' || components[1] !== '2.3') return false
  return (
    PART.test(components[2] ?? '') &&
    components.slice(3).every((component) => component !== '' && !/\s/.test(component))
  )
}
