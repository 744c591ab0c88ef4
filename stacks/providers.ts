/**
 * The AWS provider of each Region that SST components are put in, made once. Its tags are those that SST
 * gives its own provider, so that everything of a stage carries the same ones.
 */
export type Providers = (region: string) => aws.Provider

export function regionalProviders(stage: string): Providers {
  const tags = { 'sst:app': $app.name, 'sst:stage': stage }
  const made = new Map<string, aws.Provider>()
  return (region) => {
    const known = made.get(region)
    if (known !== undefined) return known
    const provider = new aws.Provider(`Aws${region}`, {
      // A plan names Regions as text; the provider's own list may be older than AWS.
      region: region as aws.Region,
      defaultTags: { tags },
    })
    made.set(region, provider)
    return provider
  }
}
