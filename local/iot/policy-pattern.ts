/** Policy variables by name, without the braces: iot:ClientId, iot:Connection.Thing.ThingName … */
export type Variables = ReadonlyMap<string, string>

const anyRun = Symbol('*')
const anyOne = Symbol('?')
type Token = string | typeof anyRun | typeof anyOne

/**
 * Whether `text` matches a policy's pattern, or undefined where the pattern names a variable without
 * a value. `*` is any run of characters and `?` any one, slashes included; + and # are plain
 * characters. A variable's value is plain too, whatever is in it, and so are ${*}, ${?} and ${$}
 * ("AWS IoT Core policy resources", "Basic AWS IoT Core policy variables", IAM's "Policy variables").
 * With `exact` there are no wildcards, only variables (StringEquals).
 */
export function matchesPattern(
  pattern: string,
  text: string,
  variables: Variables,
  wildcards: 'wildcards' | 'exact' = 'wildcards',
): boolean | undefined {
  const tokens = tokenize(pattern, variables, wildcards === 'wildcards')
  return tokens && matchTokens(tokens, [...text])
}

function tokenize(pattern: string, variables: Variables, wildcards: boolean): Token[] | undefined {
  const tokens: Token[] = []
  for (const part of pattern.split(/(\$\{[^}]*\})/)) {
    if (part.startsWith('${') && part.endsWith('}')) {
      const name = part.slice(2, -1)
      const value = /^[*?$]$/.test(name) ? name : variables.get(name)
      if (value === undefined) return undefined
      tokens.push(...value)
      continue
    }
    for (const character of part) {
      if (wildcards && character === '*') tokens.push(anyRun)
      else if (wildcards && character === '?') tokens.push(anyOne)
      else tokens.push(character)
    }
  }
  return tokens
}

/** Greedy, going back to the last run only: the time is at most pattern × text. */
function matchTokens(tokens: readonly Token[], text: readonly string[]): boolean {
  let token = 0
  let at = 0
  let run = -1
  let runAt = 0
  while (at < text.length) {
    const current = tokens[token]
    if (current === anyRun) {
      run = token++
      runAt = at
    } else if (current === anyOne || (current !== undefined && current === text[at])) {
      token++
      at++
    } else if (run >= 0) {
      token = run + 1
      at = ++runAt
    } else {
      return false
    }
  }
  while (tokens[token] === anyRun) token++
  return token === tokens.length
}
