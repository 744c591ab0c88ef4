import { z } from 'zod'
import { matchesPattern, type Variables } from './policy-pattern.ts'

/** "AWS IoT Core endpoints and quotas": the document's size, white space not counted. */
const longestDocument = 2048

/** A single value stands for a list of one. */
const list = <T extends z.ZodType>(one: T) =>
  z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(one).min(1),
  )

const action = z.string().regex(/^(\*|[a-z][a-z-]*:[A-Za-z*?]+)$/, 'is not an action')
const resource = z.string().regex(/^(\*|arn:[\s\S]+)$/, 'is not * or an ARN')
const word = z.union([z.string(), z.boolean().transform(String), z.number().transform(String)])
const keys = z.record(z.string(), list(word)).optional()

const condition = z.strictObject(
  { Bool: keys, StringEquals: keys, StringNotEquals: keys, StringLike: keys },
  {
    error: ({ code }) =>
      code === 'unrecognized_keys'
        ? 'this stand-in evaluates the condition operators Bool, StringEquals, StringNotEquals and StringLike only'
        : undefined,
  },
)

const statement = z.strictObject(
  {
    Sid: z.string().optional(),
    Effect: z.enum(['Allow', 'Deny']),
    Action: list(action),
    Resource: list(resource),
    Condition: condition.optional(),
  },
  {
    error: ({ code }) =>
      code === 'unrecognized_keys'
        ? 'this stand-in takes statements of Sid, Effect, Action, Resource and Condition only'
        : undefined,
  },
)

const document = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: list(statement),
})

/** A policy document whose single values have become lists. */
export type PolicyDocument = z.infer<typeof document>
type Statement = z.infer<typeof statement>

export type Decision = 'allow' | 'explicitDeny' | 'implicitDeny'

/** What is asked: `action` like iot:Publish, `resource` an ARN, `variables` by name (iot:ClientId …). */
export type PolicyRequest = {
  readonly action: string
  readonly resource: string
  readonly variables: Variables
}

/**
 * Reads an AWS IoT policy document. Throws an Error that says what AWS would call malformed, or what
 * this stand-in doesn't evaluate: NotAction, NotResource, other condition operators, older versions.
 */
export function parsePolicy(text: string): PolicyDocument {
  if (text.replaceAll(/\s/g, '').length > longestDocument) {
    throw new Error(`it has more than ${longestDocument} characters, white space not counted`)
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
  const parsed = document.safeParse(json)
  if (parsed.success) return parsed.data
  throw new Error(z.prettifyError(parsed.error).replaceAll('\n', ' '))
}

/**
 * Evaluates all policies of one principal together, by AWS's logic: nothing is allowed unless an
 * Allow statement matches, and a matching Deny statement wins over every Allow. A statement that
 * names a variable without a value doesn't match.
 */
export function evaluatePolicies(
  documents: readonly PolicyDocument[],
  request: PolicyRequest,
): Decision {
  const matching = documents
    .flatMap((policy) => policy.Statement)
    .filter((candidate) => matches(candidate, request))
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'explicitDeny'
  return matching.length > 0 ? 'allow' : 'implicitDeny'
}

function matches(candidate: Statement, { action: asked, resource: of, variables }: PolicyRequest) {
  const named = candidate.Action.some((pattern) =>
    matchesPattern(pattern.toLowerCase(), asked.toLowerCase(), new Map()),
  )
  if (!named) return false
  const outcomes = candidate.Resource.map((pattern) => matchesPattern(pattern, of, variables))
  if (outcomes.includes(undefined) || !outcomes.includes(true)) return false
  return conditionsHold(candidate, variables)
}

/** Every key of every operator must hold, by one of its values. A missing key holds for negation only. */
function conditionsHold({ Condition = {} }: Statement, variables: Variables): boolean {
  const { Bool, StringEquals, StringNotEquals, StringLike } = Condition
  const every = (
    tests: Readonly<Record<string, readonly string[]>> | undefined,
    holds: (actual: string | undefined, value: string) => boolean,
    combine: 'some' | 'every',
  ) =>
    Object.entries(tests ?? {}).every(([key, values]) =>
      combine === 'some'
        ? values.some((value) => holds(variables.get(key), value))
        : values.every((value) => holds(variables.get(key), value)),
    )
  const equal = (actual: string | undefined, value: string) =>
    actual !== undefined && matchesPattern(value, actual, variables, 'exact') === true
  return (
    every(Bool, (actual, value) => actual?.toLowerCase() === value.toLowerCase(), 'some') &&
    every(StringEquals, equal, 'some') &&
    every(StringNotEquals, (actual, value) => differs(actual, value, variables), 'every') &&
    every(
      StringLike,
      (actual, value) => actual !== undefined && matchesPattern(value, actual, variables) === true,
      'some',
    )
  )
}

function differs(actual: string | undefined, value: string, variables: Variables): boolean {
  if (actual === undefined) return true
  return matchesPattern(value, actual, variables, 'exact') === false
}
