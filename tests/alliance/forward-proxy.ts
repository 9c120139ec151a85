// A forward proxy as HTTPS_PROXY names one.
import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** What the proxy asks for; it must stand in no log. */
export const PASSWORD = 'not-in-any-log'

/** A proxy that tunnels for whoever knows the password. */
export async function connectProxy() {
  const tunnels: string[] = []
  const sockets = new Set<Socket>()
  const server = http.createServer((_request, response) => response.writeHead(405).end())
  server.on('connect', (request, socket: Socket, head) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    const expected = `Basic ${Buffer.from(`node:${PASSWORD}`).toString('base64')}`
    if (request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n')
      return
    }
    tunnels.push(request.url ?? '')
    const { hostname, port } = new URL(`http://${request.url}`)
    const inner = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      inner.write(head)
      inner.pipe(socket).pipe(inner)
    })
    sockets.add(inner)
    inner.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    tunnels,
    url: (password: string) => `http://node:${password}@127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
