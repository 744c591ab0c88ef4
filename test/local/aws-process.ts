import { startLocalAws } from '../../local/aws.ts'

/** AWS on one machine in a process of its own: `aws-process.ts FOLDER`; prints one line of JSON. */
const [dataFolder = ''] = process.argv.slice(2)
const aws = await startLocalAws({ dataFolder, regions: ['eu-west-1', 'us-east-1'] })
process.stdout.write(`${JSON.stringify(aws)}\n`)
