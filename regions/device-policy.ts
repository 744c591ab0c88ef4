/**
 * The default device policy: connect as the thing's own name; publish and receive under
 * `data/<thing>/`, its shadow and its jobs. Thing variables make one policy serve every device of a
 * region (AWS IoT Core, "Thing policy variables"); under 2,048 characters without white space.
 */
export function devicePolicy(scope: {
  partition: string
  region: string
  account: string
}): string {
  const arn = (resource: string) =>
    `arn:${scope.partition}:iot:${scope.region}:${scope.account}:${resource}`
  const thing = `\${iot:Connection.Thing.ThingName}`
  const own = (kind: 'topic' | 'topicfilter') => [
    arn(`${kind}/data/${thing}/*`),
    arn(`${kind}/$aws/things/${thing}/shadow/*`),
    arn(`${kind}/$aws/things/${thing}/jobs/*`),
  ]
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 'iot:Connect',
        Resource: arn(`client/${thing}`),
        Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
      },
      { Effect: 'Allow', Action: 'iot:Publish', Resource: own('topic') },
      { Effect: 'Allow', Action: 'iot:Subscribe', Resource: own('topicfilter') },
      { Effect: 'Allow', Action: 'iot:Receive', Resource: own('topic') },
    ],
  })
}
