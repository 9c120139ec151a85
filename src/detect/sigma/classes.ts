/**
 * Classes of bytes for needle searches: class 0 is every byte that no needle holds; a capital has the class of its
 * small letter.
 */
export function classesOf(needles: Iterable<string>): { classes: Uint8Array; width: number } {
  const classes = new Uint8Array(256)
  let width = 1
  for (const needle of needles)
    for (let i = 0; i < needle.length; i++) {
      const code = needle.charCodeAt(i)
      if (classes[code] === 0) classes[code] = width++
    }
  for (let code = 65; code <= 90; code++) classes[code] = classes[code + 32]!
  return { classes, width }
}
