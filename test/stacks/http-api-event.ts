import { edgeRegion } from '../stage.ts'

type Asked = {
  /** As API Gateway names it, e.g. `GET /problems/{name}`. */
  readonly routeKey: string
  readonly method: string
  readonly path: string
  readonly sourceIp?: string
  readonly contentType?: string
  readonly body?: string
}

/**
 * A request as an HTTP API hands it over (payload format 2.0). A body comes as base64, as it does of every
 * type that isn't text or JSON (API Gateway Developer Guide, "Working with AWS Lambda proxy integrations").
 */
export function httpApiEvent(asked: Asked) {
  const { routeKey, method, path, sourceIp = '203.0.113.9', contentType, body } = asked
  const domainName = `a1b2c3d4e5.execute-api.${edgeRegion}.amazonaws.com`
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    headers: {
      host: domainName,
      'x-forwarded-for': sourceIp,
      'x-forwarded-proto': 'https',
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    },
    requestContext: {
      accountId: '123456789012',
      apiId: 'a1b2c3d4e5',
      domainName,
      domainPrefix: 'a1b2c3d4e5',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp, userAgent: '' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey,
      stage: '$default',
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1_773_342_238_000,
    },
    ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }),
    isBase64Encoded: body !== undefined,
  }
}
