/** The default device policy: by thing variables, so that one serves every thing of a Region. */
export function devicePolicy(region: string, accountId: string): string {
  const arn = (kind: string, name: string) => `arn:aws:iot:${region}:${accountId}:${kind}/${name}`
  const thing = `\${iot:Connection.Thing.ThingName}`
  const topics = (kind: string) => [
    arn(kind, `data/${thing}/*`),
    arn(kind, `$aws/things/${thing}/shadow/*`),
    arn(kind, `$aws/things/${thing}/jobs/*`),
  ]
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 'iot:Connect',
        Resource: arn('client', thing),
        Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
      },
      { Effect: 'Allow', Action: 'iot:Publish', Resource: topics('topic') },
      { Effect: 'Allow', Action: 'iot:Subscribe', Resource: topics('topicfilter') },
      { Effect: 'Allow', Action: 'iot:Receive', Resource: topics('topic') },
    ],
  })
}
