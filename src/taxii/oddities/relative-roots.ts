/**
 * API roots without a host, or with the wrong one. OpenTAXII lists `/taxii2/1cbd7c30-…/`, to be read from the origin;
 * OpenCTI 5.0 listed `/root`, to be read from the discovery address; behind a proxy it lists `http://localhost:8080/…`, or
 * http where only https is reachable. What was listed is then looked for where the discovery resource was.
 * @see https://github.com/MISP/MISP/issues/8832, https://github.com/OpenCTI-Platform/opencti/issues/1575,
 * https://github.com/OpenCTI-Platform/opencti/issues/11589
 */
export function rootCandidates(discovery: string, root: string): string[] {
  const base = new URL(discovery.endsWith('/') ? discovery : `${discovery}/`)
  if (!URL.canParse(root, base.href)) return []
  const whole = /^https?:/i.test(root) ? absolute(base, new URL(root)) : relative(base, root)
  return [...new Set(whole.map((url) => (url.endsWith('/') ? url : `${url}/`)))]
}

function relative(base: URL, root: string): string[] {
  const fromOrigin = new URL(root, base)
  const fromDiscovery = new URL(root.replace(/^\/+/, ''), base)
  return [fromOrigin.href, fromDiscovery.href]
}

/** The account is shown to the discovery's origin alone: it is tried first wherever the other cannot be meant. */
function absolute(base: URL, root: URL): string[] {
  const here = new URL(root.pathname, base.origin).href
  if (root.origin === base.origin) return [root.href]
  const isInside = LOCAL.test(root.hostname) && !LOCAL.test(base.hostname)
  const isDowngraded = root.protocol === 'http:' && base.protocol === 'https:'
  return isInside || isDowngraded || root.hostname === base.hostname ? [here] : [root.href, here]
}

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)$/
