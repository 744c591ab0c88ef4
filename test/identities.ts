import {
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListPrincipalThingsCommand,
} from '@aws-sdk/client-iot'
import type { Stage } from './stage.ts'

/** A certificate that stands in some region, with what it could use. */
export type StandingCertificate = {
  readonly region: string
  readonly certificateId: string
  readonly active: boolean
  readonly things: readonly string[]
  readonly policies: readonly string[]
}

/** Every certificate of every region, read back from AWS IoT as an auditor would. */
export async function standingCertificates(stage: Stage): Promise<StandingCertificate[]> {
  const found: StandingCertificate[] = []
  for (const { region } of stage.aws.regions) {
    const iot = stage.iot(region)
    const { certificates = [] } = await iot.send(new ListCertificatesCommand({ pageSize: 250 }))
    for (const { certificateId = '', certificateArn = '', status } of certificates) {
      const { things = [] } = await iot.send(
        new ListPrincipalThingsCommand({ principal: certificateArn }),
      )
      const { policies = [] } = await iot.send(
        new ListAttachedPoliciesCommand({ target: certificateArn }),
      )
      const policyNames = policies.map((policy) => policy.policyName ?? '')
      const active = status === 'ACTIVE'
      found.push({ region, certificateId, active, things, policies: policyNames })
    }
    iot.destroy()
  }
  return found
}
