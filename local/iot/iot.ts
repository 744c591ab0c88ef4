import type { NamingRecord } from '../naming-records.ts'
import type { Service } from '../service.ts'
import { createWatch, type Violation, violationShape, type Watch } from '../watch.ts'
import { openAuthority } from './authority.ts'
import { type Broker, type BrokerLogEntry, startBroker } from './broker.ts'
import { createControlPlane } from './control-plane.ts'
import { type Identities, listIdentities } from './identities.ts'
import { createMqttRules } from './mqtt-rules.ts'
import { createRegistry } from './registry.ts'
import { IotStore, type Scope } from './store.ts'

/** AWS IoT's device ports are fixed; this is the one for MQTT over mutual TLS. */
export const mqttPort = 8883

export type IotOptions = {
  /** Where state is kept; without it, in memory. */
  readonly folder?: string
  /** Whose brokers run here. */
  readonly accountId: string
  readonly regions: readonly string[]
  /** The address a Region's broker listens on; asked again at every use. */
  readonly endpointAddress: (region: string) => string
  /**
   * How long a connection outlives its certificate's deactivation. AWS says "within a few minutes";
   * the default is 60 seconds.
   */
  readonly dropDelaySeconds?: number
  /** Takes what the brokers refused and why; by default a JSON line on stderr. */
  readonly log?: (entry: BrokerLogEntry) => void
  /** The provisioned device records that name a certificate; without it none does. */
  readonly findNaming?: (certificateId: string) => Promise<readonly NamingRecord[]>
  /** Takes each broken invariant at once; by default a JSON line on stderr. */
  readonly violationLog?: (violation: Violation) => void
}

/** AWS IoT on one machine: the control plane as a service, and an MQTT broker per Region. */
export type Iot = {
  readonly service: Service
  /** The root of devices' and brokers' certificates. */
  readonly caPem: string
  readonly mqttPort: number
  readonly watch: Watch
  identities(): Identities
  /** Rejects with the listen error (EADDRINUSE …), leaving nothing bound; may be called again then. */
  startBrokers(): Promise<void>
  close(): Promise<void>
}

export async function createIot(options: IotOptions): Promise<Iot> {
  const { folder, accountId, regions, endpointAddress, dropDelaySeconds = 60 } = options
  const printLine = (entry: object) => void process.stderr.write(`${JSON.stringify(entry)}\n`)
  const { log = printLine, violationLog = printLine, findNaming = async () => [] } = options
  const store = new IotStore(folder)
  const registry = createRegistry(store)
  const watch = createWatch({
    accountId,
    kept: store.collection('violation', violationShape),
    findNaming,
    now: Date.now,
    log: violationLog,
  })
  const authority = await openAuthority(folder)
  const brokers = new Map<string, Broker>()
  const drops = new Set<NodeJS.Timeout>()

  function dropLater(scope: Scope, certificateId: string): void {
    if (scope.accountId !== accountId) return
    const timer = setTimeout(() => {
      drops.delete(timer)
      brokers.get(scope.region)?.dropInactive(certificateId)
    }, dropDelaySeconds * 1000)
    drops.add(timer.unref())
  }

  async function stopBrokers(): Promise<void> {
    const stopping = [...brokers.values()].map((broker) => broker.close())
    brokers.clear()
    await Promise.all(stopping)
  }

  async function start(region: string): Promise<void> {
    const rules = createMqttRules(registry, { accountId, region })
    const address = endpointAddress(region)
    const broker = { region, address, port: mqttPort, authority, rules, log }
    brokers.set(region, await startBroker(broker))
  }

  return {
    service: createControlPlane({
      accountId,
      regions,
      registry,
      watch,
      authority,
      endpointAddress,
      certificateChanged: dropLater,
    }),
    caPem: authority.caPem,
    mqttPort,
    watch,
    identities: () => listIdentities(registry, accountId),

    async startBrokers() {
      if (brokers.size > 0) throw new Error('the brokers run already')
      const started = await Promise.allSettled(regions.map(start))
      const failed = started.find((outcome) => outcome.status === 'rejected')
      if (failed === undefined) return
      await stopBrokers()
      throw failed.reason
    },

    async close() {
      for (const timer of drops) clearTimeout(timer)
      await stopBrokers()
      store.close()
    },
  }
}
