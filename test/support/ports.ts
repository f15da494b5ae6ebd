/** Free ports of the loopback interface. Files of tests run side by side, so that each asks in a range of its own. */
import { createServer } from 'node:net';

const FIRST = 20_000;
const PER_WORKER = 1_000;
const worker = Number(process.env.VITEST_POOL_ID ?? '1');
let next = FIRST + ((worker * PER_WORKER + (process.pid % 10) * 100) % 12_000);

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The first of so many free ports in a row; below the range from which the kernel gives ports to clients. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = next;
    next += count;
    if (next >= 32_000) next = FIRST;
    let free = true;
    for (let port = first; free && port < first + count; port++) free = await isFree(port);
    if (free) return first;
  }
}
