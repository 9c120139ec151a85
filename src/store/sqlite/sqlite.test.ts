import { modelContract } from '../contract/model.ts'
import { readingContract } from '../contract/reading.ts'
import { recordsContract } from '../contract/records.ts'
import { writingContract } from '../contract/writing.ts'
import { openStore } from '../open-store.ts'

const SQLITE = { name: 'SQLite', open: openStore }

writingContract(SQLITE)
readingContract(SQLITE)
recordsContract(SQLITE)
modelContract(SQLITE)
