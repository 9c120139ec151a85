/**
 * Classes of characters for needle searches: class 0 is every character that no needle holds; a capital has the class
 * of its small letter. So have the three characters beyond ASCII that lower-casing or case-blind expressions take for an
 * ASCII letter (İ, the Kelvin sign, long s): a needle that stands in the lower-cased text is found in the text itself.
 */
export function classesOf(needles: Iterable<string>): { classes: Uint8Array; width: number } {
  const classes = new Uint8Array(128)
  let width = 1
  for (const needle of needles)
    for (let i = 0; i < needle.length; i++) {
      const code = needle.charCodeAt(i)
      if (classes[code] === 0) classes[code] = width++
    }
  for (let code = 65; code <= 90; code++) classes[code] = classes[code + 32]!
  return { classes, width }
}

/** Class of any UTF-16 unit. */
export function classOf(classes: Uint8Array, code: number): number {
  if (code < 128) return classes[code]!
  if (code === 0x130) return classes[0x69]!
  if (code === 0x212a) return classes[0x6b]!
  return code === 0x17f ? classes[0x73]! : 0
}
