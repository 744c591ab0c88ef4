import { access } from 'node:fs/promises'
import { CommandFailure, findErrorCode } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { NewFlags } from './command.ts'
import { makeKey, publicHalf, writePrivateJwks } from './private-jwks.ts'

/** `landfall keys new`: a file that is there stays as it is. */
export async function newKey(flags: NewFlags, { terminal }: CommandContext): Promise<void> {
  const { out: path } = flags
  if (await exists(path)) {
    throw new CommandFailure(`${path} is there already`, {
      hint: `npx landfall keys rotate ${path} puts a new key into it`,
    })
  }
  const key = await makeKey(flags.type)
  await writePrivateJwks(path, [key]).catch((cause: unknown) => {
    throw new CommandFailure(`${path} can’t be written: ${findErrorCode(cause) ?? 'it failed'}`, {
      hint: 'give a file in a folder that is there and that you may write to',
      cause,
    })
  })
  terminal.out(JSON.stringify(publicHalf(key), null, 2))
  terminal.note(`The private key is in ${path}, which only you may read.`)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
