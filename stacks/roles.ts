import { renderStatement, type Statement } from './permissions.ts'

/** A role that its own callers may assume for an hour, and nobody else. */
export function assumableRole(
  name: string,
  role: {
    name: string
    trusted: $util.Input<string>[]
    externalId: string
    statements: $util.Input<Statement[]>
  },
): aws.iam.Role {
  return new aws.iam.Role(name, {
    name: role.name,
    maxSessionDuration: 3600,
    assumeRolePolicy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: ['sts:AssumeRole'],
          principals: [{ type: 'AWS', identifiers: role.trusted }],
          conditions: [
            { test: 'StringEquals', variable: 'sts:ExternalId', values: [role.externalId] },
          ],
        },
      ],
    }).json,
    inlinePolicies: [{ name: 'calls', policy: policyDocument(role.statements) }],
  })
}

export function policyDocument(statements: $util.Input<Statement[]>): $util.Output<string> {
  return aws.iam.getPolicyDocumentOutput({
    statements: $util.output(statements).apply((all) => all.map(renderStatement)),
  }).json
}

/** Trust in one AWS service, and in nobody else. */
export function trustOf(service: string): $util.Output<string> {
  return aws.iam.getPolicyDocumentOutput({
    statements: [
      { actions: ['sts:AssumeRole'], principals: [{ type: 'Service', identifiers: [service] }] },
    ],
  }).json
}
