import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Pulumi's mocks, as their own declarations have them (runtime/mocks.d.ts). */
export type Mocks = {
  newResource(args: MockedResource): { id: string | undefined; state: Record<string, unknown> }
  call(args: MockedCall): Record<string, unknown>
}
export type MockedResource = {
  type: string
  name: string
  inputs: Record<string, unknown>
  /** `urn::id` of an explicit provider. */
  provider?: string
  custom?: boolean
  id?: string
}
export type MockedCall = { token: string; inputs: Record<string, unknown>; provider?: string }

/** What a program asks the engine for, of which the mocks see only a part. */
export type Registration = {
  getType(): string
  getName(): string
  getParent(): string
  getProvider(): string
  getProtect(): boolean | undefined
  getRetainondelete(): boolean | undefined
  getObject(): { toJavaScript(): Record<string, unknown> }
}
type Answer = (error: unknown, response: { getUrn(): string } | undefined) => void
export type Monitor = { registerResource(request: Registration, answer: Answer): Promise<void> }

export type Pulumi = {
  runtime: {
    setMocks(mocks: Mocks, project: string, stack: string, preview: boolean): Promise<void>
    setAllConfig(config: Record<string, string>): void
    getMonitor(): Monitor
    runInPulumiStack(program: () => Promise<unknown>): Promise<Record<string, unknown> | undefined>
  }
  output(value: unknown): { promise(): Promise<unknown>; isSecret: Promise<boolean> }
}

/**
 * Pulumi's SDK from SST's platform. Its declarations aren't among our packages, and don't pass our
 * compiler's checks: the types above are the one place that says what we use of it.
 */
export function loadPulumi(platform: string): Pulumi {
  return createRequire(join(platform, 'package.json'))('@pulumi/pulumi') as Pulumi
}
