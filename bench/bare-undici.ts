/**
 * The shortest honest relay on undici's dispatch handler: body read, request sent anew, answer written as it comes.
 * It is what turnout would be if it did nothing but relay. `node bench/bare-undici.ts --upstream URL`.
 * Must never do more than the least that is correct.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Dispatcher, Pool } from 'undici';

const { values } = parseArgs({ options: { upstream: { type: 'string', default: '' } } });
const pool = new Pool(values.upstream, { connections: null, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
const HOP_BY_HOP = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'expect']);

function headersOf(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, raw[i + 1]!);
  }
  return kept;
}

function relay(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
  let controller: Dispatcher.DispatchController | undefined;
  res.once('close', () => {
    if (!res.writableFinished) controller?.abort(new Error('the client left'));
  });
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(given) {
      controller = given;
    },
    onResponseStart(_controller, status, headers) {
      const { connection: _c, 'keep-alive': _k, 'transfer-encoding': _t, ...rest } = headers;
      res.writeHead(status, rest);
    },
    onResponseData(given, chunk) {
      if (res.write(chunk)) return;
      given.pause();
      res.once('drain', () => given.resume());
    },
    onResponseEnd() {
      res.end();
    },
    onResponseError() {
      if (res.headersSent) res.destroy();
      else res.writeHead(502).end();
    },
  };
  pool.dispatch(
    { path: req.url ?? '/', method: req.method as Dispatcher.HttpMethod, headers: headersOf(req.rawHeaders), body },
    handler,
  );
}

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => relay(req, res, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
});
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
