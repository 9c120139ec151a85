/** Bytes of one input file. */
export const INPUT_MAX_BYTES = 67_108_864
/** Levels of nesting in JSON. */
export const INPUT_MAX_DEPTH = 64
/** Rows of a table that are read. */
export const ROWS_MAX = 200_000
/** Columns of a table that are read. */
export const COLUMNS_MAX = 256
/** Characters of one cell, and of a line kept as context. */
export const CELL_MAX_CHARS = 32_767
/** Characters of a text's line that are kept as context. */
export const CONTEXT_MAX_CHARS = 500
/** Objects that one input may become. */
export const OBJECTS_MAX = 500_000
/** Losses that are listed one by one; the others are counted. */
export const LOSSES_LISTED = 1_000
/** Attributes of one MISP object that are read. */
export const OBJECT_ATTRIBUTES_MAX = 2_000
/** Bytes that all parts of a workbook together may unpack to. */
export const UNPACKED_MAX_BYTES = 67_108_864
/** Parts that a workbook's zip directory may list. */
export const PARTS_MAX = 4_096
