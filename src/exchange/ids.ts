import { uuid5 } from '#base'

/** Namespace of the ids that this part makes from content and source. */
const CONTENT_NAMESPACE = '3c5a7f0e-5d1e-5b0a-9c60-0a5a6d2f8e11'

/** Id of an object made from content: the same source, kind and content give the same id on every run and node. */
export const contentId = (type: string, source: string, ...content: readonly string[]): string =>
  `${type}--${uuid5(CONTENT_NAMESPACE, JSON.stringify([type, source, ...content]))}`
