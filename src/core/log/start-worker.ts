/** Starts the threads of the event log. */
import { Worker } from 'node:worker_threads';
import { programFile } from '../platform/program-file.ts';

export function startWorker(name: 'sqlite-writer' | 'sqlite-reader', workerData: unknown): Worker {
  // No arguments of the parent: `--inspect` and the like are meant for its thread.
  return new Worker(programFile(`core/log/${name}`), { workerData, execArgv: [], name });
}
