import { html, raw } from 'hono/html'
import { openApi } from './openapi.ts'
import { problemNames, problemTypes } from './problem-types.ts'

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0a6b5c }
@media (prefers-color-scheme: dark) { :root { --accent: #5fd3bf } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 54rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem }
code { font: .9em ui-monospace, monospace; background: var(--soft); padding: .1em .3em; border-radius: .25em }
a { color: var(--accent) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; white-space: nowrap }
td:first-child { width: 11rem }
.method { font-weight: 700; color: var(--accent) }
.lead { color: color-mix(in srgb, currentColor 75%, transparent) }
`

type Markup = ReturnType<typeof html>

function layout(title: string, body: Markup): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
${body}
</body>
</html>
`)
}

/** What one problem type means, and what to do. */
export function problemPage(name: string, it: (typeof problemTypes)[keyof typeof problemTypes]) {
  return layout(
    `${it.title}: ${name}`,
    html`<h1>${it.title}</h1>
<p><code>${name}</code>, HTTP ${it.status}${it.retry ? ', with Retry-After' : ''}</p>
<p>${it.meaning}</p>
<h2>What to do</h2>
<p>${it.remedy}</p>
<p><a href="/docs">The contract</a></p>`,
  )
}

type Schema = {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly type?: string
  readonly oneOf?: readonly Schema[]
  readonly description?: string
}

/** The contract as a page, made from the OpenAPI description. */
export function referencePage(audience: string): string {
  const { info, paths, components } = openApi(audience)
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { summary }]) =>
        html`<tr><td class="method">${method.toUpperCase()}</td><td><code>${path}</code></td><td>${summary}</td></tr>`,
    ),
  )
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => html`<h3>${name}</h3>${members(schema as Schema)}`,
  )
  const problems = problemNames.map(
    (name) =>
      html`<tr><td><a href="/problems/${name}"><code>${name}</code></a></td><td>${problemTypes[name].status}</td><td>${problemTypes[name].title}</td></tr>`,
  )
  return layout(
    'Landfall: how a device is provisioned',
    html`<h1>How a device is provisioned</h1>
<p class="lead">${info.description} A machine reads <a href="/openapi.json"><code>/openapi.json</code></a>, OpenAPI 3.1.</p>
<h2>Routes</h2>
<div class="scroll"><table><tr><th>method</th><th>path</th><th>what for</th></tr>${routes}</table></div>
<h2>Objects</h2>
<p>A device signs ProtectedHeader and Payload, and sends them as a compact JWS, or as FlattenedJws. It gets Answer or Problem; Receipt is the payload of the answer’s <code>receipt</code>, which a key of <a href="/v1/jwks"><code>/v1/jwks</code></a> verifies.</p>
${schemas}
<h2>Problems</h2>
<div class="scroll"><table><tr><th>name</th><th>HTTP</th><th>title</th></tr>${problems}</table></div>`,
  )
}

function members(schema: Schema): Markup {
  const required = new Set(schema.required)
  const rows = Object.entries(schema.properties ?? {}).map(
    ([name, it]) =>
      html`<tr><td><code>${name}</code></td><td>${it.type ?? (it.oneOf === undefined ? '' : 'object')}</td><td>${required.has(name) ? 'always' : 'optional'}</td><td>${it.description ?? ''}</td></tr>`,
  )
  return html`<div class="scroll"><table><tr><th>member</th><th>type</th><th>there</th><th>meaning</th></tr>${rows}</table></div>`
}
