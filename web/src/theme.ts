import { createTheme, type MantineColorsTuple } from '@mantine/core'

/** Sea and smoke: the colour of the page. */
const beacon: MantineColorsTuple = [
  '#e9f7f8',
  '#d5ebee',
  '#a8d6db',
  '#78c0c8',
  '#52adb8',
  '#3aa2ae',
  '#2b9caa',
  '#1a8895',
  '#057985',
  '#006974',
]

/** Fonts of the system that have Latin and Japanese; nothing is fetched. */
const FONTS =
  'system-ui, "Noto Sans", "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", "Yu Gothic UI", "Noto Sans Thai", sans-serif'

export const theme = createTheme({
  colors: { beacon },
  primaryColor: 'beacon',
  primaryShade: { light: 8, dark: 5 },
  fontFamily: FONTS,
  headings: { fontFamily: FONTS, fontWeight: '650' },
  defaultRadius: 'md',
})
