import { writeSync } from 'node:fs'

// Loaded into the importer beforehand (`node --import`): at its end it tells its parent what it took. In
// JavaScript, since Node would load its compiler of TypeScript for it.
process.on('exit', () => {
  writeSync(3, JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024 }))
})
