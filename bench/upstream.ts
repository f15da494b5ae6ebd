/**
 * The fastest honest upstream: a bare node:http server that takes a POST and answers a fixed chat completion, or a
 * stream of chunks that carry the time of their sending. `node bench/upstream.ts --port N [--load-ms MS]`.
 * Must never do anything that would make it the bottleneck of a comparison.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { ANSWER, CHUNKS_PER_SECOND } from './sizes.ts';

// Not imported: an import of node:http reads its every export, one of which loads a WebSocket client (40 ms).
const { createServer } = process.getBuiltinModule('node:http');

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'load-ms': { type: 'string', default: '0' } },
});
const readyAt = performance.now() + Number(values['load-ms']);
const answer = Buffer.from(ANSWER);
const head = { 'content-type': 'application/json', 'content-length': answer.length };

function stream(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const chunk = () => {
    // The monotonic clock is one for all processes of a machine, so the reader can subtract.
    const sent = process.hrtime.bigint();
    res.write(
      `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","model":"bench","t":"${sent}","choices":[{"index":0,"delta":{"content":" token"}}]}\n\n`,
    );
  };
  chunk();
  const timer = setInterval(chunk, 1_000 / CHUNKS_PER_SECOND);
  res.once('close', () => clearInterval(timer));
}

function handle(req: IncomingMessage, res: ServerResponse): void {
  if (req.url === '/health') {
    res.writeHead(performance.now() >= readyAt ? 200 : 503).end();
    return;
  }
  let streaming = false;
  req.on('data', (chunk: Buffer) => {
    if (chunk.includes('"stream":true')) streaming = true;
  });
  req.on('end', () => {
    if (streaming) stream(res);
    else res.writeHead(200, head).end(answer);
  });
}

const server = createServer({ keepAliveTimeout: 60_000 }, handle);
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
