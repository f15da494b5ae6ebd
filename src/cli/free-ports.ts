/** Free ports of the loopback interface, for demos. Another program may take one at any time: whoever listens must check. */
import { createServer } from 'node:net';
import { TurnoutError } from '../core/errors.ts';

const PORTS_TRIED = 100;

/** The first of so many consecutive ports that nobody uses. Throws `port-in-use` after a hundred tries. */
export async function freePorts(from: number, count: number): Promise<number> {
  for (let first = from; first < from + PORTS_TRIED; first++) {
    let free = true;
    for (let port = first; free && port < first + count; port++) {
      free = (await listenProblem('127.0.0.1', port)) === null;
    }
    if (free) return first;
  }
  throw new TurnoutError('port-in-use', `find ${count} free ports from ${from} on: none of ${PORTS_TRIED} was free`);
}

/** Why nobody can listen there now, or null. Listens for a moment to find out. */
export function listenProblem(host: string | undefined, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(host === undefined ? { port } : { host, port }, () => server.close(() => resolve(null)));
  });
}
