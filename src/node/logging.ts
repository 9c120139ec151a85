import { type DestinationStream, type Logger, pino } from 'pino'

/** A structured log; never holds tokens, passphrases, keys or the content of objects. */
export type NodeLog = Logger

const SECRET_FIELDS = ['authorization', 'token', 'passphrase', 'password', 'secret', 'seed', 'cookie']

/** Opens the log of a node: JSON lines on stderr, or wherever `destination` leads. */
export function openLog(level: string, destination?: DestinationStream): NodeLog {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[secret]',
      },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  )
}
