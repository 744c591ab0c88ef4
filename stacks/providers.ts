/** The AWS provider of each Region that SST components are put in, made once. */
export type Providers = (region: string) => aws.Provider

export function regionalProviders(tags: Record<string, string>): Providers {
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
