/**
 * What a stage's resources are called: pure, so that the edge can name roles that in turn trust the
 * edge, and a second account can name the same ones. IAM's names are global to an account: each carries
 * app, stage and Region.
 */
export type Naming = ReturnType<typeof namesOf>

/** The seed's name, for production: its own commands then work on the table. */
const seedTable = 'iot-global-provisioning'

export function namesOf(stage: string) {
  const prefix = `landfall-${stage}`
  return {
    /** What a stage without a domain is called by its devices. */
    deployment: prefix,
    /** The two Lambdas, and the roles that they run as. */
    edgeLambda: `${prefix}-edge`,
    sweeperLambda: `${prefix}-sweeper`,
    edgeLambdaRole: (edge: string) => `${prefix}-edge-lambda-${edge}`,
    sweeperLambdaRole: `${prefix}-sweeper-lambda`,
    /** The roles that they, and operators, assume in a device region. */
    regionRole: (caller: 'edge' | 'sweeper' | 'operator', region: string) =>
      `${prefix}-${caller}-${region}`,
    /** The operators' role for the tables. */
    operatorRole: `${prefix}-operator`,
    /** What AWS IoT writes its log as, where the plan wants one. */
    iotLogRole: (region: string) => `${prefix}-iot-log-${region}`,
    /** The AWS IoT policy that every device of the stage holds. */
    devicePolicy: `LandfallDevice-${stage}`,
    /**
     * Names the deployment to the roles it assumes. No secret: it keeps a role from being assumed for
     * another stage by mistake (IAM User Guide, "The confused deputy problem").
     */
    externalId: `landfall/${stage}`,
    metricsNamespace: `Landfall/${stage}`,
    tables: {
      allowList: stage === 'production' ? seedTable : `${seedTable}-${stage}`,
      control: stage === 'production' ? 'iot-global-control' : `iot-global-control-${stage}`,
    },
  }
}

export function roleArn(account: string, name: string): string {
  return `arn:aws:iam::${account}:role/${name}`
}

/** A Region as part of a Pulumi name: `eu-west-1` becomes `EuWest1`. */
export function titleOf(region: string): string {
  return region
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')
}
