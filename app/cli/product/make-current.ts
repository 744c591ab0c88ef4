import { randomUUID } from 'node:crypto'
import { type DocumentChange, diffDocuments } from '../../products/document-diff.ts'
import type { Product } from '../../products/product.ts'
import type { StoredProduct } from '../../products/product-row.ts'
import { applyProduct } from '../../products/product-store.ts'
import { confirm } from '../confirm.ts'
import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { failedTests } from './check.ts'
import type { ApplyFlags } from './command.ts'
import {
  type ControlAccess,
  findSharedSigners,
  getProduct,
  onAws,
  parseStored,
} from './control-access.ts'
import { readDeployment } from './deployment.ts'
import { findMismatches } from './summary.ts'
import { describeFailure, describePassed, runTests } from './tests.ts'

/**
 * Tests a document, shows what it changes, asks, and makes it the product: what apply and rollback
 * have in common. Nothing is written where there is no difference.
 */
export async function makeCurrent(
  access: ControlAccess,
  it: { product: Product; seen: StoredProduct | undefined; note?: string },
  flags: ApplyFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  context.changes()
  const { product, seen } = it
  const { name } = product
  const say = (line: string) => (flags.json === true ? terminal.note(line) : terminal.out(line))
  const deployment = await readDeployment(flags, context.env)
  const results = await runTests(product, deployment, context)
  const failed = results.filter((result) => result.problem !== undefined)
  for (const result of failed) say(describeFailure(result))
  if (failed.length > 0) throw failedTests(failed.length, results.length)
  const shared = await onAws('the products can’t be read', () => findSharedSigners(access, product))
  if (shared.length > 0) {
    throw new CommandFailure(shared.join('; '), { hint: 'a signer belongs to one product' })
  }
  for (const note of findMismatches(product, deployment)) terminal.note(`note: ${note}`)

  const changes = diffDocuments(current(seen), product)
  const over = seen?.version === undefined ? 'what was written by hand' : `version ${seen.version}`
  if (seen !== undefined && changes.length === 0) {
    if (flags.json === true) terminal.json({ name, version: seen.version, applied: false, changes })
    else terminal.out(`${name}: no difference to ${over}; nothing was written`)
    return
  }
  say(
    `${name}: ${describePassed(results)}; ${seen === undefined ? 'a new product' : `changes to ${over}`}:`,
  )
  for (const change of changes) say(`  ${describeChange(change)}`)
  if (flags.yes !== true) await confirm(`Apply to ${name}?`, 'nothing was applied', context)

  const outcome = await onAws(`${name} wasn’t applied`, async () =>
    applyProduct(access, {
      product,
      seen,
      appliedBy: await access.caller(),
      now: Date.now(),
      applyId: randomUUID(),
      note: it.note,
    }),
  )
  if (!outcome.applied) throw overtaken(name, seen, outcome.current)
  if (flags.json === true) {
    terminal.json({ name, version: outcome.version, applied: true, changes })
  } else terminal.out(`${name} is at version ${outcome.version}; edges follow within seconds`)
}

/** What stands there as a document; defaults are filled in, so that they aren't differences. */
function current(seen: StoredProduct | undefined): unknown {
  if (seen === undefined) return {}
  try {
    return getProduct('', seen.document)
  } catch {
    // Not usable, so every field of it counts as it stands.
    return parseStored(seen.document) ?? {}
  }
}

function overtaken(
  name: string,
  seen: StoredProduct | undefined,
  now: StoredProduct | undefined,
): CommandFailure {
  const same = now?.applyId === seen?.applyId && now?.document === seen?.document
  const what = same
    ? 'somebody else is changing it at this moment'
    : now === undefined
      ? 'somebody removed it in the meantime'
      : `${now.appliedBy ?? 'somebody'} changed it in the meantime: version ${now.version ?? 'written by hand'}`
  return new CommandFailure(`${name} wasn’t applied: ${what}`, {
    hint: 'nothing was lost; apply again to see the difference to what is there now',
  })
}

const longestText = 60

/** `+` is new, `-` is gone, `~` has changed. */
export function describeChange(change: DocumentChange): string {
  if (!('before' in change)) return `+ ${change.path}: ${render(change.after)}`
  if (!('after' in change)) return `- ${change.path}: ${render(change.before)}`
  return `~ ${change.path}: ${render(change.before)} → ${render(change.after)}`
}

function render(value: unknown): string {
  const shorten = (_key: string, it: unknown) =>
    typeof it === 'string' && it.length > longestText
      ? `${it.slice(0, 16)}…${it.slice(-16)} (${it.length} characters)`
      : it
  return JSON.stringify(value, shorten)
}
