// The words that clients show for broken servers: starts each server, asks it with socket.io-client and curl, and prints
// a line of JSON for each: the code, the client, and the words, which must be among those that it showed.
// The folder has `good`, `expired`, `future`, `other`, `client`, `alone` and `strange` as -cert.pem and -key.pem, and `roots.pem`.
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { createRequire } from 'node:module'
import net from 'node:net'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import { WebSocketServer } from 'ws'

const version2 = createRequire(import.meta.url)('socket.io-2')
const roots = fs.readFileSync('roots.pem')
const pem = (name, more) => ({ key: fs.readFileSync(`${name}-key.pem`), cert: fs.readFileSync(`${name}-cert.pem`), ...more })
const https404 = (name, more) => https.createServer(pem(name, more), (q, s) => s.writeHead(404).end())
const answers = (status, body = '', fields = {}) => http.createServer((q, s) => s.writeHead(status, fields).end(body))
const raw = (handle) => net.createServer((s) => { s.on('error', () => {}); handle(s) })
const socketIo = (options, prepare = () => {}) => {
  const server = http.createServer((q, s) => s.writeHead(404).end())
  const app = new Server(server, options)
  prepare(app, server)
  return server
}
const upgrade = (handle) => (app, server) => { server.removeAllListeners('upgrade'); server.on('upgrade', handle) }
const reply = (words) => (q, s) => s.end(`HTTP/1.1 ${words}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
const status = (code) => `Unexpected server response: ${code}`

// Code, scheme, server, words of socket.io-client by polling, by WebSocket, and of curl; null where nothing is compared.
const cases = [
  ['self-signed', 'https', () => https404('alone'), 'self-signed certificate', 'self-signed certificate', 'SSL certificate problem: self-signed certificate'],
  ['unknown-issuer', 'https', () => https404('strange'), 'self-signed certificate in certificate chain', 'self-signed certificate in certificate chain', 'self-signed certificate in certificate chain'],
  ['incomplete-chain', 'https', () => https404('short'), 'unable to verify the first certificate', 'unable to verify the first certificate', 'unable to get local issuer certificate'],
  ['expired', 'https', () => https404('expired'), 'certificate has expired', 'certificate has expired', 'certificate has expired'],
  ['not-yet-valid', 'https', () => https404('future'), 'certificate is not yet valid', 'certificate is not yet valid', 'certificate is not yet valid'],
  ['host-mismatch', 'https', () => https404('other'), "Hostname/IP does not match certificate's altnames", "Hostname/IP does not match certificate's altnames", 'no alternative certificate subject name matches'],
  ['wrong-purpose', 'https', () => https404('client'), 'unsuitable certificate purpose', 'unsuitable certificate purpose', 'unsuitable certificate purpose'],
  ['plain-http', 'https', () => answers(404), 'wrong version number', 'wrong version number', 'wrong version number'],
  ['not-tls', 'https', () => raw((s) => s.write('SSH-2.0-OpenSSH_9.2p1\r\n')), 'wrong version number', 'wrong version number', 'wrong version number'],
  ['tls-reset', 'https', () => raw((s) => s.once('data', () => s.resetAndDestroy())), 'read ECONNRESET', 'read ECONNRESET', 'Connection reset by peer'],
  ['tls-timeout', 'https', () => raw(() => {}), 'timeout', 'timeout', 'timed out'],
  ['old-tls', 'https', () => https404('rsa', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), 'alert protocol version', 'alert protocol version', null],
  ['client-certificate-required', 'https', () => https404('good', { ca: roots, requestCert: true, minVersion: 'TLSv1.3' }), 'alert certificate required', 'alert certificate required', 'alert certificate required'],
  ['tls-on-plain-url', 'http', () => https404('good'), 'socket hang up', 'socket hang up', 'Empty reply from server'],
  ['http-timeout', 'http', () => http.createServer(() => {}), 'timeout', 'timeout', 'timed out'],
  ['redirected', 'http', () => answers(302, '', { location: '/login' }), null, status(302), null],
  ['auth-required', 'http', () => answers(401), '401', status(401), null],
  ['http-forbidden', 'http', () => answers(403), '403', status(403), null],
  ['http-not-found', 'http', () => answers(404, 'Cannot GET /socket.io/'), '404', status(404), 'Cannot GET /socket.io/'],
  ['rate-limited', 'http', () => answers(429), '429', status(429), null],
  ['bad-gateway', 'http', () => answers(502), '502', status(502), null],
  ['unavailable', 'http', () => answers(503), '503', status(503), null],
  ['gateway-timeout', 'http', () => answers(504), '504', status(504), null],
  ['not-engine-io', 'http', () => answers(200, '<!doctype html>page'), 'server error', status(200), '<!doctype html>'],
  ['eio-transport-unknown', 'http', () => socketIo({ transports: ['websocket'] }), '{"code":0,"message":"Transport unknown"}', null, '{"code":0,"message":"Transport unknown"}'],
  ['eio-forbidden', 'http', () => socketIo({ allowRequest: (q, done) => done(null, false) }), '{"code":4,"message":"Forbidden"}', status(400), '{"code":4,"message":"Forbidden"}'],
  ['eio-version-3', 'http', () => { const server = http.createServer(); version2(server); return server }, 'server error', 'It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client', null],
  ['upgrade-refused', 'http', () => socketIo({}, upgrade(reply('403 Forbidden'))), null, status(403), null],
  ['upgrade-timeout', 'http', () => socketIo({}, upgrade(() => {})), null, 'timeout', null],
  ['upgrade-broken', 'http', () => socketIo({}, (app, server) => new WebSocketServer({ server, path: '/other' })), null, 'Invalid WebSocket frame', null],
  ['connect-refused', 'http', () => socketIo({}, (app) => app.use((s, next) => next(new Error('not authorized')))), 'not authorized', 'not authorized', null],
  ['namespace-unknown', 'http', () => socketIo({}), 'Invalid namespace', 'Invalid namespace', null, '/nowhere'],
  ['namespace-timeout', 'http', () => socketIo({}, (app) => app.use(() => {})), 'nothing', 'nothing', null],
  ['server-disconnect', 'http', () => socketIo({}, (app) => app.on('connection', (s) => s.disconnect(true))), 'io server disconnect', 'io server disconnect', null],
  // By polling the POST is answered and the GET ended; which of the two comes first is not said.
  ['frame-too-large', 'http', () => socketIo({ maxHttpBufferSize: 1000 }), ['transport close', 'transport error'], 'transport close', null],
]

const shown = (url, transport) => new Promise((resolve) => {
  const socket = io(url, { transports: [transport], reconnection: false, forceNew: true, timeout: 4000, ca: roots })
  const end = (words) => { socket.close(); resolve(words) }
  socket.on('connect', () => socket.emit('big', 'x'.repeat(3000)))
  socket.on('connect_error', (error) => {
    const cause = error.description?.error?.message ?? error.description
    end([error.message, cause, error.context?.responseText].join(' '))
  })
  socket.on('disconnect', (reason) => end(reason))
  setTimeout(() => end('nothing'), 7000)
})

const curl = (url) => new Promise((resolve) => {
  const target = `${url}/socket.io/?EIO=4&transport=polling`
  execFile('curl', ['-sS', '--max-time', '4', '--cacert', 'roots.pem', target], (error, out, err) => resolve(out + err))
})

const show = async ([code, scheme, start, polling, websocket, byCurl, path = '']) => {
  const server = start()
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const origin = `${scheme}://localhost:${server.address().port}`
  const asked = [
    ['socket.io-client by polling', polling, () => shown(origin + path, 'polling')],
    ['socket.io-client by WebSocket', websocket, () => shown(origin + path, 'websocket')],
    ['curl', byCurl, () => curl(origin)],
  ]
  for (const [client, words, ask] of asked) {
    if (words === null) continue
    const all = await ask()
    const found = [words].flat().find((either) => all.includes(either))
    const is_right = found !== undefined
    console.log(JSON.stringify({ code, client, words: found ?? `${words}`, shown: all.slice(0, 500), is_right }))
  }
  server.close()
}

await Promise.all(cases.map(show))
process.exit()
