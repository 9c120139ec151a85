/**
 * API roots without a host. OpenTAXII lists `/taxii2/1cbd7c30-…/`, to be read from the origin; OpenCTI 5.0 listed `/root`,
 * to be read from the discovery address. TAXII asks for complete URLs.
 * @see https://github.com/MISP/MISP/issues/8832, https://github.com/OpenCTI-Platform/opencti/issues/1575
 */
export function rootCandidates(discovery: string, root: string): string[] {
  const base = discovery.endsWith('/') ? discovery : `${discovery}/`
  const fromOrigin = new URL(root, base).href
  const fromDiscovery = new URL(root.replace(/^\/+/, ''), base).href
  const whole = /^https?:/i.test(root) ? [root] : [fromOrigin, fromDiscovery]
  return [...new Set(whole.map((url) => (url.endsWith('/') ? url : `${url}/`)))]
}
