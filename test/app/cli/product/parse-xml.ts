export type Element = {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Element[]
  /** All text within, in order. */
  readonly text: string
}

type Open = { name: string; attributes: Record<string, string>; children: Element[]; text: string }

/** Reads a document as SVG is written here: elements, attributes in double quotes, text. Throws where it is not well-formed. */
export function parseXml(source: string): Element {
  const root: Open = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  let end = 0
  for (const match of source.matchAll(
    /([^<]*)<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/gy,
  )) {
    const [whole, text = '', closing, name = '', attributes = '', empty] = match
    const here = open.at(-1)
    if (here === undefined) throw new Error(`nothing is open at ${match.index}`)
    here.text += plainText(text)
    end = match.index + whole.length
    if (closing === '/') {
      open.pop()
      if (here.name !== name) throw new Error(`</${name}> ends <${here.name}> at ${match.index}`)
      const outer = open.at(-1)
      outer?.children.push(here)
      if (outer !== undefined) outer.text += here.text
      continue
    }
    const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(
      ([, key = '', value = '']) => {
        return [key, plainText(value)] as const
      },
    )
    if (new Set(pairs.map(([key]) => key)).size < pairs.length)
      throw new Error(`twice in <${name}>`)
    const element = { name, attributes: Object.fromEntries(pairs), children: [], text: '' }
    if (empty === '/') here.children.push(element)
    else open.push(element)
  }
  const [only, ...others] = root.children
  if (
    open.length !== 1 ||
    only === undefined ||
    others.length > 0 ||
    source.slice(end).trim() !== ''
  ) {
    throw new Error(`no well-formed document: it ends with ${open.length - 1} open at ${end}`)
  }
  return only
}

/** All elements of a name, at whatever depth. */
export function elementsOf(element: Element, name: string): Element[] {
  return element.children.flatMap((it) => [
    ...(it.name === name ? [it] : []),
    ...elementsOf(it, name),
  ])
}

function plainText(text: string): string {
  return text.replaceAll(/&([a-z]*;?)/g, (whole, entity) => {
    const plain = { 'amp;': '&', 'lt;': '<', 'gt;': '>', 'quot;': '"' }[String(entity)]
    if (plain === undefined) throw new Error(`${whole} is no entity`)
    return plain
  })
}
