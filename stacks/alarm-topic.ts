import { titleOf } from './names.ts'
import type { RouterPlan } from './plan.ts'

/**
 * Who is told: one topic a Region, since an alarm, its metric and its topic lie in one. Encrypted by a
 * key that CloudWatch may use; AWS's own key for SNS would let no alarm through.
 */
export function createTopic(region: string, plan: RouterPlan, account: $util.Output<string>) {
  const title = titleOf(region)
  const key = new aws.kms.Key(`AlarmKey${title}`, {
    description: `Landfall ${$app.stage}: alarms`,
    enableKeyRotation: true,
    deletionWindowInDays: 7,
    region,
    policy: account.apply((id) => alarmKeyPolicy(id)),
  })
  const topic = new aws.sns.Topic(`Alarms${title}`, {
    kmsMasterKeyId: key.id,
    region,
  })
  plan.alarmEmails.forEach((endpoint, index) => {
    new aws.sns.TopicSubscription(`AlarmMail${title}${index + 1}`, {
      topic: topic.arn,
      protocol: 'email',
      endpoint,
      region,
    })
  })
  return topic
}

/** The account administers the key, as every key's policy must let somebody; CloudWatch only uses it. */
function alarmKeyPolicy(account: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: [
          'kms:Describe*',
          'kms:Get*',
          'kms:List*',
          'kms:Put*',
          'kms:Update*',
          'kms:Enable*',
          'kms:Disable*',
          'kms:TagResource',
          'kms:UntagResource',
          'kms:ScheduleKeyDeletion',
          'kms:CancelKeyDeletion',
        ],
        Resource: '*',
      },
      {
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: '*',
        Condition: { StringEquals: { 'aws:SourceAccount': account } },
      },
    ],
  })
}
