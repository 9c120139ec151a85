/**
 * Answers in TAXII's form under another name: `text/plain`, `application/json`, TAXII 2.0's type. Only what is plainly no
 * JSON is refused. @see https://github.com/oasis-open/cti-taxii-client/issues/101
 */
export const mayBeTaxii = (contentType: string | null): boolean =>
  !/^\s*(text\/html|text\/xml|application\/xml|application\/xhtml\+xml|image\/)/i.test(contentType ?? '')
