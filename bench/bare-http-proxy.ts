/**
 * The shortest honest proxy on http-proxy, with a keep-alive agent: what "just use http-proxy" costs.
 * `node bench/bare-http-proxy.ts --upstream URL`. Must never be tuned beyond what its users do.
 */
import { Agent, createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import util, { parseArgs } from 'node:util';

// http-proxy calls util._extend, which warns on this Node.
Object.assign(util, { _extend: Object.assign });
const { default: httpProxy } = await import('http-proxy');

const { values } = parseArgs({ options: { upstream: { type: 'string', default: '' } } });
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const proxy = httpProxy.createProxyServer({ target: values.upstream, agent });
// Without this a stream goes on for ever after its client left, and would burden whatever is measured next.
proxy.on('proxyReq', (upstream, _req, res) => {
  res.once('close', () => {
    if (!res.writableFinished) upstream.destroy();
  });
});
proxy.on('error', (_error, _req, res) => {
  if (res instanceof ServerResponse && !res.headersSent) res.writeHead(502).end();
  else res.destroy();
});

const server = createServer((req, res) => proxy.web(req, res));
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
