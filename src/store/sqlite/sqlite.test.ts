import { openStore } from '../open-store.ts'
import { storeContract } from '../store.contract.ts'

storeContract({ name: 'SQLite', open: openStore })
