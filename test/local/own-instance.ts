/**
 * The instance for tests that stop AWS and start it again: the first that is free, which all others
 * take, might be taken meanwhile. `landfall local` has others still (test/app/cli/local.test.ts).
 */
export const ownInstance = 100 + (process.pid % 50)
