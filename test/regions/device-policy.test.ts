import { expect, it } from 'vitest'
import { devicePolicy } from '../../regions/device-policy.ts'

const document = devicePolicy({ partition: 'aws', region: 'eu-west-1', account: '123456789012' })

it('fits into the 2,048 characters that AWS IoT allows', () => {
  expect(document.replaceAll(/\s/g, '').length).toBeLessThan(2048)
})

it('grants nothing outside the region, the account and the own thing name', () => {
  const { Statement } = JSON.parse(document)
  for (const { Resource } of Statement) {
    for (const resource of [Resource].flat()) {
      expect(resource).toMatch(/^arn:aws:iot:eu-west-1:123456789012:(client|topic|topicfilter)\//)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable of the IoT policy language
      expect(resource).toContain('${iot:Connection.Thing.ThingName}')
    }
  }
})
