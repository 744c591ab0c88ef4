import { startLocalAws } from '../../local/aws.ts'

/** AWS on one machine in a process of its own: `aws-process.ts FOLDER INSTANCE`; prints one line of JSON. */
const [dataFolder = '', instance] = process.argv.slice(2)
const regions = ['eu-west-1', 'us-east-1']
const aws = await startLocalAws({ dataFolder, regions, instance: Number(instance) })
process.stdout.write(`${JSON.stringify(aws)}\n`)
