/** Longest pattern, in UTF-16 units: the size limit of one JSON document. */
export const PATTERN_LENGTH_LIMIT = 1_048_576
/** Deepest nesting of parentheses: far more than a person writes, far less than the call stack. */
export const PATTERN_DEPTH_LIMIT = 64
/** Most qualifiers in a row, each of which is one level of the tree. */
export const PATTERN_QUALIFIERS_LIMIT = 64
/** Most expressions joined by FOLLOWEDBY, each of which is one level of the search. */
export const PATTERN_SEQUENCE_LIMIT = 256
/** Most comparisons, set members and path steps in one pattern. */
export const PATTERN_PARTS_LIMIT = 100_000
/** Most faults told of one pattern: each is looked up in the text, line by line. */
export const PATTERN_FAULTS_LIMIT = 100
/** Most steps of one search for a binding: about a tenth of a second. */
export const MATCH_STEPS_LIMIT = 5_000_000
/** Steps that comparing the observations of one request may take (each about 20 ns, in a hostile MATCHES up to 500), … */
export const COMPARE_STEPS = 2_000_000
/** … and more for each observation, … */
export const OBSERVATION_STEPS = 10_000
/** … but never more than about a second's. */
export const COMPARE_STEPS_LIMIT = 50_000_000
/** Most choices open at once in a search: each is a few levels of the call stack. */
export const MATCH_DEPTH_LIMIT = 1_000
/** Most observations, SCOs and values that one request to match may hold. */
export const OBSERVED_OBJECTS_LIMIT = 1_000_000
/** Longest regular expression, in UTF-16 units: the cost of a match grows with text × expression. */
export const REGEX_LENGTH_LIMIT = 4_096
/** Most parts of a regular expression with its repetitions written out: compiling more takes over 20 ms. */
export const REGEX_SIZE_LIMIT = 10_000
/** Most compiled size × text length of one regular expression match: at worst 65 ns each, mostly below 1 ns. */
export const REGEX_WORK_LIMIT = 1_000_000
/** Compiled size × text length that counts as one step. */
export const REGEX_WORK_PER_STEP = 8
/** Most different observation expressions × observations of one match request. */
export const MATCH_PAIRS_LIMIT = 20_000_000
