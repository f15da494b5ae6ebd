/**
 * Where the entry of a worker lies: beside the file that starts it, with the same ending, so that it is found both in
 * the sources (Node strips the types) and in the built package.
 */
import { Worker } from 'node:worker_threads';

/** Starts `<name>.ts` or `<name>.js` beside `importer` (an `import.meta.url`). */
export function startWorker(name: string, importer: string, workerData: unknown): Worker {
  const ending = importer.endsWith('.ts') ? '.ts' : '.js';
  // No arguments of the parent: `--inspect` and the like are meant for its thread.
  return new Worker(new URL(`./${name}${ending}`, importer), { workerData, execArgv: [], name });
}
