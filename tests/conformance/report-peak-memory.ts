// Loaded into a process by --import: at its end it says how much memory it took at most.
import { writeFileSync } from 'node:fs'

const file = process.env.NOROSHI_PEAK_FILE
// The command starts a process that does the work; its peak is the one that counts.
if (file !== undefined && process.argv[1]?.endsWith('main.ts'))
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS)))
