import type { Edge } from './edge.ts'
import { titleOf } from './names.ts'
import type { RouterPlan } from './plan.ts'

type Domain = NonNullable<RouterPlan['domain']>

/**
 * A certificate for the shared domain in each edge's Region, as an HTTP API takes only its own Region's.
 * ACM proves the domain by one record, which is the same in every Region of an account.
 */
export function createCertificates(domain: Domain, edges: readonly string[]) {
  const certificates = edges.map((region) => ({
    region,
    certificate: new aws.acm.Certificate(`Certificate${titleOf(region)}`, {
      domainName: domain.name,
      validationMethod: 'DNS',
      region,
    }),
  }))
  const proof = certificates[0]?.certificate.domainValidationOptions[0]
  if (proof === undefined) throw new Error('a domain needs an edge')
  const record = new aws.route53.Record('CertificateProof', {
    zoneId: zoneIdOf(domain),
    name: proof.resourceRecordName,
    type: proof.resourceRecordType,
    records: [proof.resourceRecordValue],
    ttl: 60,
    // The proof of a name is the same for every certificate of an account: an earlier one may have left it.
    allowOverwrite: true,
  })
  return new Map(
    certificates.map(({ region, certificate }) => [
      region,
      new aws.acm.CertificateValidation(`CertificateValid${titleOf(region)}`, {
        certificateArn: certificate.arn,
        validationRecordFqdns: [record.fqdn],
        region,
      }).certificateArn,
    ]),
  )
}

/**
 * The records of the shared domain: the edge that answers a caller fastest, of those whose /healthz
 * answers. A POST fails over as any request does, since the name leads elsewhere; CloudFront would retry
 * GET, HEAD and OPTIONS only. Returns the health check of each edge.
 */
export function createRecords(domain: Domain, edges: readonly Edge[]) {
  const zoneId = zoneIdOf(domain)
  return edges.map(({ region, api }) => {
    const title = titleOf(region)
    const healthCheck = new aws.route53.HealthCheck(`Health${title}`, {
      type: 'HTTPS',
      // The API's own name: the shared one would lead to whichever edge is well.
      fqdn: api.nodes.api.apiEndpoint.apply((url) => new URL(url).host),
      port: 443,
      resourcePath: '/healthz',
      requestInterval: 30,
      failureThreshold: 3,
      tags: { Name: `landfall-${$app.stage}-${region}` },
    })
    const { targetDomainName, hostedZoneId } = api.nodes.domainName.domainNameConfiguration
    for (const type of ['A', 'AAAA'] as const) {
      new aws.route53.Record(`Domain${title}${type}`, {
        zoneId,
        name: domain.name,
        type,
        setIdentifier: region,
        latencyRoutingPolicies: [{ region }],
        healthCheckId: healthCheck.id,
        aliases: [{ name: targetDomainName, zoneId: hostedZoneId, evaluateTargetHealth: true }],
      })
    }
    return { region, healthCheckId: healthCheck.id }
  })
}

function zoneIdOf({ zone }: Domain) {
  return aws.route53.getZoneOutput({ name: zone }).zoneId
}
