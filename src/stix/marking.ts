import type { JsonObject } from '#base'

/** A level of TLP 2.0, loosest first in `TLP_LEVELS`. */
export type TlpLabel = 'clear' | 'green' | 'amber' | 'amber+strict' | 'red'

/** The levels of TLP 2.0 from the loosest to the strictest. */
export const TLP_LEVELS: readonly TlpLabel[] = ['clear', 'green', 'amber', 'amber+strict', 'red']

/** Extension that carries TLP 2.0 in a marking-definition, as property `tlp_2_0`. */
export const TLP_2_EXTENSION = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'

/** The five marking-definitions of TLP 2.0; they travel with the data. @see https://www.first.org/tlp/ */
export const TLP_2_MARKINGS: readonly JsonObject[] = [
  tlp2('94868c89-83c2-464b-929b-a1a8aa3c8487', 'clear'),
  tlp2('bab4a63c-aed9-4cf5-a766-dfca5abac2bb', 'green'),
  tlp2('55d920b0-5e8b-4f79-9ee9-91f868d9b421', 'amber'),
  tlp2('939a9414-2ddd-4d32-a0cd-375ea402b003', 'amber+strict'),
  tlp2('e828b379-4e03-4974-9ac4-e53a884c97c1', 'red'),
]

/** The four marking-definitions of TLP 1.0, which every STIX reader knows without being sent them. @see STIX 7.2.1.4 */
export const TLP_1_MARKINGS: readonly JsonObject[] = [
  tlp1('613f2e26-407d-48c7-9eca-b8e91df99dc9', 'white'),
  tlp1('34098fce-860f-48ae-8e50-ebd3cc5e41da', 'green'),
  tlp1('f88d31f6-486f-44da-b317-01333bde0b82', 'amber'),
  tlp1('5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'red'),
]

/** Every TLP marking-definition by id, 2.0 and 1.0. */
export const PREDEFINED_MARKINGS: ReadonlyMap<string, JsonObject> = new Map(
  [...TLP_2_MARKINGS, ...TLP_1_MARKINGS].map((marking) => [idOf(marking), marking]),
)

/** Level by id of each TLP marking-definition; TLP 1.0 reads as its 2.0 counterpart (white as clear). */
export const TLP_LEVEL_BY_ID: ReadonlyMap<string, TlpLabel> = new Map<string, TlpLabel>([
  ...TLP_2_MARKINGS.map((marking, index): [string, TlpLabel] => [idOf(marking), TLP_LEVELS[index] ?? 'red']),
  ...TLP_1_MARKINGS.map((marking, index): [string, TlpLabel] => [
    idOf(marking),
    (['clear', 'green', 'amber', 'red'] as const)[index] ?? 'red',
  ]),
])

function idOf(marking: JsonObject): string {
  return typeof marking['id'] === 'string' ? marking['id'] : ''
}

function tlp2(uuid: string, level: TlpLabel): JsonObject {
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id: `marking-definition--${uuid}`,
    created: '2022-10-01T00:00:00.000Z',
    name: `TLP:${level.toUpperCase()}`,
    extensions: { [TLP_2_EXTENSION]: { extension_type: 'property-extension', tlp_2_0: level } },
  }
}

function tlp1(uuid: string, level: string): JsonObject {
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id: `marking-definition--${uuid}`,
    created: '2017-01-20T00:00:00.000Z',
    definition_type: 'tlp',
    name: `TLP:${level.toUpperCase()}`,
    definition: { tlp: level },
  }
}
