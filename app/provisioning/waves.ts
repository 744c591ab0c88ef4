/** The waits on a request's way, in their order: each is one round trip, whatever runs beside it. */
export const waveNames = ['read', 'claim', 'create', 'commit', 'attach'] as const
export type WaveName = (typeof waveNames)[number]

/** Runs a request's waves and keeps how long each took. */
export type Waves = {
  run<T>(wave: WaveName, work: () => Promise<T>): Promise<T>
  /** Milliseconds of each wave that ran, failed ones too; a repeated wave adds up. */
  readonly milliseconds: Readonly<Partial<Record<WaveName, number>>>
}

export function measureWaves(monotonic: () => number): Waves {
  const milliseconds: Partial<Record<WaveName, number>> = {}
  return {
    milliseconds,
    async run(wave, work) {
      const startedAt = monotonic()
      try {
        return await work()
      } finally {
        milliseconds[wave] = (milliseconds[wave] ?? 0) + monotonic() - startedAt
      }
    },
  }
}
