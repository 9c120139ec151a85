import { NodeError, readEnvironment } from '#node'

/**
 * The passphrase of the root key: from NOROSHI_PASSPHRASE, or asked for without showing it.
 *
 * @throws PASSPHRASE_MISSING where nobody can be asked
 */
export async function readPassphrase(prompt: string, options: { confirm?: boolean } = {}): Promise<string> {
  const { passphrase } = readEnvironment()
  if (passphrase !== undefined) return passphrase
  if (!process.stdin.isTTY)
    throw new NodeError('PASSPHRASE_MISSING', 'The root key needs its passphrase, and nobody is there to be asked.')
  const first = await ask(`${prompt}: `)
  if (options.confirm && (await ask('Once more: ')) !== first)
    throw new NodeError('PASSPHRASE_WRONG', 'The two passphrases differ.')
  if (first === '') throw new NodeError('PASSPHRASE_MISSING', 'The passphrase is empty.')
  return first
}

function ask(prompt: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(prompt)
  stdin.setRawMode(true)
  stdin.resume()
  let typed = ''
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      stdin.setRawMode(false)
      stdin.pause()
      stdin.off('data', onData)
      stderr.write('\n')
      settle()
    }
    const onData = (chunk: Buffer) => {
      for (const character of chunk.toString('utf8')) {
        if (character === '\r' || character === '\n') return finish(() => resolve(typed))
        if (character === '\u0003') return finish(() => reject(new NodeError('PASSPHRASE_MISSING', 'Interrupted.')))
        typed =
          character === '\u007f' || character === '\b' ? Array.from(typed).slice(0, -1).join('') : typed + character
      }
    }
    stdin.on('data', onData)
  })
}
