// What the TAXII surface tells a reader: every root, collection and page, and every address of an object.
import { ask, type World } from '../alliance/world.ts'

const PAGE = 3

/** All addresses of a reader's TAXII surface with what they answer, and the bytes of all pages of everything. */
export async function tellTaxii(
  world: World,
  server: string,
  token: string,
  ids: readonly string[],
): Promise<{ way: string; response: Response }[]> {
  const told: { way: string; response: Response }[] = []
  const get = async (path: string) => {
    const response = await ask(world, server, `/taxii2${path}`, { token })
    told.push({ way: `GET /taxii2${path}`, response: response.clone() })
    return response
  }
  const discovery = (await (await get('/')).json()) as { api_roots: string[] }
  for (const url of discovery.api_roots) {
    const root = new URL(url).pathname.replace('/taxii2', '')
    await get(root)
    const { collections } = (await (await get(`${root}collections/`)).json()) as {
      collections: { id: string; alias: string }[]
    }
    for (const { id, alias } of collections) {
      if (alias.startsWith('type-') && alias !== 'type-indicator') continue
      for (const what of ['objects', 'manifest']) await get(`${root}collections/${id}/${what}/?match[version]=all`)
    }
    for (let next = ''; ;) {
      const page = (await (await get(`${root}collections/everything/objects/?limit=${PAGE}${next}`)).json()) as {
        next?: string
      }
      if (page.next === undefined) break
      next = `&next=${page.next}`
    }
  }
  for (const id of ids) for (const path of addressesOf(id)) await get(path)
  return told.filter(({ way, response }) => response.ok || !ids.some((id) => way.includes(id)))
}

/** Every address at which an object could be. */
export const addressesOf = (id: string): string[] => [
  `/_node/collections/everything/objects/${id}/`,
  `/_node/collections/everything/objects/${id}/versions/`,
  `/_node/collections/everything/objects/?match[id]=${id}`,
  `/_node/collections/everything/manifest/?match[id]=${id}&match[version]=all`,
  `/trilateral/collections/tlp-amber/objects/${id}/`,
]
