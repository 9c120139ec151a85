/**
 * An API root resource: it has `versions`; some servers leave them out, or write a single text. What lists API roots, or a
 * default one, is a discovery resource. @see https://github.com/OpenCTI-Platform/opencti/issues/2147
 */
export const isApiRoot = (resource: Record<string, unknown>): boolean =>
  'versions' in resource || ('max_content_length' in resource && !('api_roots' in resource) && !('default' in resource))
