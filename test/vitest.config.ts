import { defineConfig } from 'vitest/config'

/** Real processes, sockets and RSA keys: two workers on two cores, and time enough for a busy machine. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // A file whose tests are concurrent bounds them by what they share.
    maxConcurrency: 1000,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
