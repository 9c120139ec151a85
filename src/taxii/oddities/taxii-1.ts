/**
 * A server of TAXII 1: MISP's own TAXII server is OpenTAXII with its services of TAXII 1.1, which answer XML.
 * @see https://github.com/MISP/MISP-Taxii-Server/issues/52, https://github.com/MISP/MISP/issues/8832
 */
export const speaksTaxii1 = (headers: Headers): boolean =>
  headers.has('x-taxii-content-type') || (headers.get('x-taxii-protocol') ?? '').startsWith('urn:taxii.mitre.org')
