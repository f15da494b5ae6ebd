/**
 * Opens many streams, waits until all have begun, then measures how late each chunk arrives:
 * `node bench/sse-client.ts URL STREAMS SECONDS` prints a line `OPEN` when measuring begins and `RESULT {...}` at its end.
 * Must never parse more of a chunk than the time of its sending.
 */
import { Agent, request } from 'node:http';
import { percentile } from './scenario.ts';
import { STREAM_REQUEST } from './sizes.ts';

export interface SseResult {
  chunks: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Streams that were refused or that ended before they should. */
  errors: number;
}

const [url = '', streamsText = '1', secondsText = '1'] = process.argv.slice(2);
const streams = Number(streamsText);
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(STREAM_REQUEST) };
const OPENING_AT_A_TIME = 50;
const MARK = '"t":"';

let delays: number[] = [];
let errors = 0;
let over = false;

function open(): Promise<void> {
  return new Promise((resolve) => {
    const failed = () => {
      if (!over) errors++;
      resolve();
    };
    const req = request(url, { method: 'POST', agent, headers }, (res) => {
      if (res.statusCode !== 200) {
        res.resume();
        return failed();
      }
      res.on('data', (chunk: Buffer) => {
        const now = process.hrtime.bigint();
        const text = chunk.toString('latin1');
        for (let at = text.indexOf(MARK); at !== -1; at = text.indexOf(MARK, at + 1)) {
          const from = at + MARK.length;
          delays.push(Number(now - BigInt(text.slice(from, text.indexOf('"', from)))) / 1e6);
        }
        resolve();
      });
      res.on('close', failed);
    });
    req.on('error', failed);
    req.end(STREAM_REQUEST);
  });
}

for (let opened = 0; opened < streams; opened += OPENING_AT_A_TIME) {
  await Promise.all(Array.from({ length: Math.min(OPENING_AT_A_TIME, streams - opened) }, open));
}
delays = [];
console.log('OPEN');
setTimeout(() => {
  over = true;
  const sorted = Float64Array.from(delays).sort();
  const result: SseResult = {
    chunks: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
    errors,
  };
  console.log(`RESULT ${JSON.stringify(result)}`);
  process.exit(0);
}, Number(secondsText) * 1_000);
