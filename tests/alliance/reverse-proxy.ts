// A reverse proxy as they are set up in front of nodes: another Host, and answers held back until they are whole unless
// their headers ask for the opposite. Prints its port.
import http from 'node:http'
import type { AddressInfo } from 'node:net'

const target = new URL(process.argv[2] ?? '')
const server = http.createServer((request, response) => {
  const headers = { ...request.headers, host: 'inner.example', 'x-forwarded-for': '192.0.2.9', via: '1.1 proxy' }
  const { hostname, port } = target
  const sent = http.request({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    if (answer.headers['x-accel-buffering'] === 'no') {
      answer.pipe(response)
      return
    }
    const chunks: Buffer[] = []
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('end', () => response.end(Buffer.concat(chunks)))
  })
  sent.on('error', () => response.destroy())
  response.on('close', () => sent.destroy())
  request.pipe(sent)
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
