import { changeRecipientKey, openRootSigners } from '#node'
import { examples, type Register, UsageError } from '../command.ts'
import { findNode, type NodeOptions } from '../node-client.ts'
import { readPassphrase } from '../passphrase.ts'
import { subcommandsOf } from '../subcommands.ts'

/** `noroshi air-gap key` */
export const register: Register = (program, context) => {
  const airGap = program
    .command('air-gap')
    .description('Files between nodes without a link: see noroshi export --to and noroshi import.')
    .addHelpText('after', examples(['noroshi air-gap key --dir node']))
  const { sub, say } = subcommandsOf(airGap, context)

  sub('key', 'Make the node a new recipient key. New nodes have one; files to the keys before can still be read.', [
    'noroshi air-gap key --dir node',
  ]).action(async (options: NodeOptions & { json?: boolean }) => {
    const node = await findNode(options)
    if (node.dir === undefined)
      throw new UsageError('The key is kept in the data directory: run it on the node’s machine with --dir.')
    const roots = await openRootSigners(node.dir, await readPassphrase('Passphrase of the root key'))
    await changeRecipientKey(node.dir, roots, Date.now())
    const { told } = await node.post<{ told: string[] }>('/api/v1/keys', {})
    await say(options.json, { told }, [
      `The node has a new recipient key; ${told.length} peers were told now, the others learn of it by link or file.`,
    ])
  })
}
