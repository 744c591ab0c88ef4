/** Where the load comes from: each region's own neighbours, and one country that may go nowhere else. */
export const places = [
  { address: '134.226.1.1', home: 'eu-west-1', strict: false },
  { address: '128.59.1.1', home: 'us-east-1', strict: false },
  { address: '129.67.1.1', home: 'eu-west-1', strict: true },
  { address: '133.11.1.1', home: 'ap-northeast-1', strict: false },
] as const

export const regions = ['eu-west-1', 'us-east-1', 'ap-northeast-1'] as const

/** Everybody may be placed elsewhere but Britain's devices (of Oxford, above): Ireland or nowhere. */
export const regionPolicy = {
  defaultRegion: 'eu-west-1',
  failover: { candidates: 2 },
  rules: [
    { name: 'Britain stays', match: { countries: ['GB'] }, regions: ['eu-west-1'], strict: true },
  ],
}

/** One way in which a region is sick, under load. */
export type SickCase = {
  readonly name: string
  readonly title: string
  readonly sickRegions: readonly string[]
  /** What befalls every call to their control planes (kinds: local/faults.ts). */
  readonly fault: 'lost-before' | 'hang' | 'error-before' | 'throttle'
  /** Sick for so many seconds, well for as many, and so on; without it sick all the time. */
  readonly flapSeconds?: number
  /** Two of three edges are killed in the middle of a move. */
  readonly killsEdges?: true
}

const ireland = ['eu-west-1']

/**
 * `cut`: every connection is closed without an answer. That it is refused at once can't be had here for
 * one region alone, as all share one endpoint; to the edge both are a call without an answer.
 */
export const sickCases: readonly SickCase[] = [
  {
    name: 'cut',
    title: 'a region cuts every connection',
    sickRegions: ireland,
    fault: 'lost-before',
  },
  { name: 'hang', title: 'a region hangs', sickRegions: ireland, fault: 'hang' },
  { name: 'fail', title: 'a region answers 500s', sickRegions: ireland, fault: 'error-before' },
  {
    name: 'throttle',
    title: 'a region throttles everything',
    sickRegions: ireland,
    fault: 'throttle',
  },
  {
    name: 'flap',
    title: 'a region flaps, 5 s down, 5 s up',
    sickRegions: ireland,
    fault: 'error-before',
    flapSeconds: 5,
  },
  {
    name: 'two',
    title: 'two regions answer 500s',
    sickRegions: ['eu-west-1', 'us-east-1'],
    fault: 'error-before',
  },
  {
    name: 'kill',
    title: 'a region answers 500s, and two of three edges are killed in the middle of a move',
    sickRegions: ireland,
    fault: 'error-before',
    killsEdges: true,
  },
]
