import { describe, expect, it } from 'vitest'
import { type Program, runProgram } from './program.ts'

/** A program of one test's own, in the place of the deployment's. */
function runSmall(run: string, rest = ''): Promise<Program> {
  return runProgram({
    stage: 'test',
    env: { SST_SECRET_Pepper: 'ground' },
    replace: {
      'sst.config.ts': `export default $config({
        app: () => ({ name: 'small', home: 'aws', providers: { aws: { region: 'eu-west-1' } }, ${rest} }),
        async run() { ${run} },
      })`,
    },
  })
}

describe('running the SST program under mocks', () => {
  it('gives the same bytes on two runs, with regions, parents, protection and secrets', async () => {
    const run = `
      const provider = new aws.Provider('Tokyo', { region: 'ap-northeast-1' })
      const table = new sst.aws.Dynamo(
        'Rows',
        { fields: { id: 'string' }, primaryIndex: { hashKey: 'id' } },
        { provider },
      )
      new aws.sns.Topic('Bell', { region: 'us-east-1' }, { protect: true })
      new aws.ssm.Parameter('Salt', { type: 'SecureString', value: new sst.Secret('Pepper').value })
      return {
        arn: table.arn,
        endpoint: aws.iot.getEndpointOutput({ endpointType: 'iot:Data-ATS', region: 'sa-east-1' }),
      }`
    const [first, second] = await Promise.all([
      runSmall(run, `removal: 'retain'`),
      runSmall(run, `removal: 'retain'`),
    ])
    expect(first.error).toBeUndefined()
    expect(JSON.stringify(second)).toBe(JSON.stringify(first))

    const find = (name: string) => first.resources.find((it) => it.name === name)
    expect(find('RowsTable')).toMatchObject({
      type: 'aws:dynamodb/table:Table',
      region: 'ap-northeast-1',
      provider: 'Tokyo',
      parent: 'Rows',
      retainOnDelete: true,
      protect: false,
    })
    expect(find('Bell')).toMatchObject({
      region: 'us-east-1',
      protect: true,
      retainOnDelete: false,
    })
    expect(find('Salt')).toMatchObject({
      region: 'eu-west-1',
      inputs: { value: 'ground' },
      secretInputs: ['value'],
    })
    expect(first.outputs).toMatchObject({
      arn: expect.stringMatching(
        /^arn:aws:dynamodb:ap-northeast-1:111122223333:table\/small-test-/,
      ),
      endpoint: { endpointAddress: expect.stringContaining('.iot.sa-east-1.amazonaws.com') },
    })
  })

  it('refuses a connection that leaves the machine, even where the program takes no notice', async () => {
    const { error } = await runSmall(`
      await fetch('http://192.0.2.1/').catch(() => {})
      const { connect } = await import('node:net')
      await new Promise((done) => connect(443, 'aws.amazon.com').on('error', done))`)
    expect(error).toContain('wanted to connect to 192.0.2.1:80')
    expect(error).toContain('wanted to connect to aws.amazon.com:443')
  })

  it('tells what the mocks, the CLI and the engine would not do', async () => {
    const [call, method, twice, never] = await Promise.all([
      runSmall(`await aws.ec2.getVpc({ default: true })`),
      runSmall(
        `new sst.aws.Function('F', { handler: 'app/none.handler', nodejs: { plugins: 'x' } })`,
      ),
      runSmall(`new aws.sns.Topic('A', {}); new aws.sns.Topic('A', {})`),
      runSmall(`await new Promise(() => {})`),
    ])
    expect(call.error).toContain(`don't know the call aws:ec2/getVpc:getVpc`)
    expect(method.error).toContain('plugins')
    expect(twice.error).toContain('two resources have the URN')
    expect(never.error).toContain('the program never ended')
  })

  it('refuses a top-level import in sst.config.ts, as SST does', async () => {
    await expect(
      runProgram({
        stage: 'test',
        replace: { 'sst.config.ts': (source) => `import './stacks/names.ts'\n${source}` },
      }),
    ).rejects.toThrow('top-level import')
  })

  it('throws where a replacement changes nothing, or is read by nobody', async () => {
    const run = (replace: Record<string, string | ((source: string) => string)>) =>
      runProgram({ stage: 'test', replace })
    await expect(run({ 'stacks/plan.ts': (source) => source })).rejects.toThrow('changes nothing')
    await expect(
      run({ 'stacks/none.ts': '', 'sst.config.ts': 'export default { app: () => ({}) }' }),
    ).rejects.toThrow('nothing read')
  })
})
