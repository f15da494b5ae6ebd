/**
 * Load by autocannon as a program: `node bench/autocannon-load.ts URL CONNECTIONS SECONDS` prints one line `RESULT {...}`.
 * Must never use autocannon's own percentiles: they are whole milliseconds.
 */
import autocannon from 'autocannon';
import type { LoadResult } from './load.ts';
import { percentile } from './scenario.ts';
import { REQUEST } from './sizes.ts';

const [url = '', connections = '1', seconds = '1'] = process.argv.slice(2);
const times: number[] = [];
const instance = autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: REQUEST,
});
instance.on('response', (_client, _status, _bytes, ms) => {
  times.push(ms);
});
instance.once('error', (error) => {
  throw error;
});
instance.once('done', (result) => {
  const sorted = Float64Array.from(times).sort();
  const line: LoadResult = {
    requests: times.length,
    requestsPerSecond: times.length / result.duration,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    errors: result.errors + result.timeouts,
    non2xx: result.non2xx,
  };
  console.log(`RESULT ${JSON.stringify(line)}`);
});
