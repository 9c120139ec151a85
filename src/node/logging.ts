import { type DestinationStream, type Logger, pino } from 'pino'

/** A structured log; never holds tokens, passphrases, keys or the content of objects, nor their ids. */
export type NodeLog = Logger

const SECRET_FIELDS = ['authorization', 'token', 'passphrase', 'password', 'secret', 'seed', 'cookie']

/** Ids of objects: who reads logs may be cleared for less than the node. Those of organisations stay. */
const OBJECT_ID = /\b(?!identity--)[a-z][a-z0-9-]{0,249}--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** Opens the log of a node: JSON lines on stderr, or wherever `destination` leads. */
export function openLog(level: string, destination?: DestinationStream): NodeLog {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: (line) => line.replace(OBJECT_ID, '[object]') },
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[secret]',
      },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  )
}
