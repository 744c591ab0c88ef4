import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What begins first, in this order: begun at the end, one of these would run alone on two cores. Beside
 * the matrix and the races run files that start one process after the other and leave them room.
 */
const longest = [
  'test/app/provisioning/matrix.test.ts',
  'test/app/cli/operator.test.ts',
  'test/app/cli/sweep.test.ts',
  'test/app/edge/server.test.ts',
  'test/app/cli/local.test.ts',
  'test/app/provisioning/counterexamples.test.ts',
  'test/app/provisioning/races.test.ts',
  'test/app/provisioning/sweep-strays.test.ts',
  'test/app/provisioning/races-with-operator.test.ts',
  'test/soak/sick-region.test.ts',
  'test/soak/soak.test.ts',
]

/** The longest first, then by the last run's durations where they are known, else by size. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}`))
      return at === -1 ? longest.length : at
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

/** Real processes, sockets and RSA keys, and time enough for a busy machine. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most files start processes of their own, and those that race against leases need a core each.
    maxWorkers: 2,
    // The SDK and the CA load once a worker, not once a file: a file leaves its process as it found it.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // A file whose tests are concurrent bounds them by what they share.
    maxConcurrency: 1000,
    // Handed on to the hundreds of processes that the tests start, which begin in two thirds of the time.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)),
    },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
