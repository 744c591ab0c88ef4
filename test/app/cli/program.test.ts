import { describe, expect, it } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { runHere } from './run-here.ts'
import { landfall } from './run-landfall.ts'

describe('landfall', () => {
  it('prints its version', async () => {
    expect(await landfall(['--version'])).toEqual({
      code: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    })
  })

  it('prints help with examples on stdout for every command', async () => {
    const whole = await landfall(['--help'])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    const commands = [...whole.stdout.matchAll(/^ {2}([a-z]+)[ [].*/gm)].map((match) => match[1])
    expect(commands).toContain('device')
    for (const command of commands) {
      if (command === undefined || command === 'help') continue
      const help = await runHere([command, '--help'])
      expect(help, command).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout, command).toMatch(/^Examples:\n.+\$ npx landfall /ms)
    }
  })

  it('takes a wrong command line as misuse and suggests what may be meant', async () => {
    expect(await landfall(['devise'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: unknown command 'devise'\nhint: Did you mean device?\n",
    })
    expect(await landfall(['device', '--thing', 'x', '--own-kye'])).toMatchObject({
      code: 2,
      stderr: "error: unknown option '--own-kye'\nhint: Did you mean --own-key?\n",
    })
  })

  it('prints help on stderr without a command, and that is misuse', async () => {
    const run = await landfall([])
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr).toContain('Usage: landfall')
  })

  it('prints a stack trace only where it was asked for', async () => {
    const args = ['device', '--thing', 'x', '--url', 'http://127.0.0.1:1', '--signing-key', '/nope']
    const plain = await landfall(args)
    expect(plain).toEqual({
      code: 1,
      stdout: '',
      stderr:
        "error: can't read the signing key /nope: there is no such file\nhint: check the path\n",
    })
    const debug = await landfall(args, { env: { LANDFALL_DEBUG: '1' } })
    expect(debug.stderr).toContain('    at ')
  })
})
