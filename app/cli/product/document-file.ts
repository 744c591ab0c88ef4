import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { type DocumentProblem, readProductDocument } from '../../products/document-problems.ts'
import type { Product } from '../../products/product.ts'
import { CommandFailure, errorMessage } from '../failure.ts'
import { readInput } from '../input-file.ts'
import type { Terminal } from '../terminal.ts'

/** A problem with the line of the file where it is, from 1. */
export type LocatedProblem = {
  readonly line: number
  readonly path: string
  readonly message: string
}

export type DocumentFile =
  | { readonly product: Product; readonly problems: readonly [] }
  | { readonly product?: undefined; readonly problems: readonly LocatedProblem[] }

/** Reads a product's document, YAML or JSON (which is YAML, too), with every problem that it has. */
export async function readDocumentFile(path: string): Promise<DocumentFile> {
  const lines = new LineCounter()
  const document = parseDocument(await readInput(path, 'product’s document'), {
    lineCounter: lines,
    prettyErrors: false,
    // A key that is no text is a problem like any other, told below.
    logLevel: 'error',
  })
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line)
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => ({
        line: lineAt(error.pos[0]),
        path: '',
        message:
          error.code === 'MULTIPLE_DOCS'
            ? 'is followed by another one: a file holds one product'
            : `is no YAML or JSON: ${error.message}`,
      })),
    }
  }
  const { value, problem } = readValue(document)
  if (problem !== undefined) return { problems: [{ line: 1, path: '', message: problem }] }
  const read = readProductDocument(value)
  if ('product' in read) return { product: read.product, problems: [] }
  return {
    problems: read.problems.map((it: DocumentProblem) => ({
      line: lineAt(offsetOf(it.path)),
      path: it.path.join('.'),
      message: it.message,
    })),
  }

  /** Where the part at a path begins; of what is missing, what it is missing from. */
  function offsetOf(path: readonly (string | number)[]): number {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return node.range[0]
    }
    return document.range?.[0] ?? 0
  }
}

/** A document's value: aliases that lead nowhere, or to more than any product needs, only show here. */
function readValue(document: Document): { value?: unknown; problem?: string } {
  try {
    return { value: document.toJS() }
  } catch (error) {
    return { problem: `has an alias that can’t be used: ${errorMessage(error)}` }
  }
}

/** The product of a file; where it has problems they are printed, and the command ends. */
export async function getDocument(path: string, terminal: Terminal): Promise<Product> {
  const { product, problems } = await readDocumentFile(path)
  if (product !== undefined) return product
  for (const problem of problems) terminal.note(describeProblem(path, problem))
  throw wrongDocument(path, problems.length)
}

export function describeProblem(file: string, { line, path, message }: LocatedProblem): string {
  return `${file}:${line}: ${path === '' ? 'the document' : path} ${message}`
}

export function wrongDocument(path: string, count: number): CommandFailure {
  return new CommandFailure(`${path} has ${count} ${count === 1 ? 'problem' : 'problems'}`, {
    hint: 'docs/region-policies.md describes every field',
  })
}
