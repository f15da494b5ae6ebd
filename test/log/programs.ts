/** Starts the programs of this folder as processes of their own and reads what they print. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Appender {
  child: ChildProcess;
  /** Last position when it opened the log. */
  head: number;
  /** Resolves when it reported so many commits. */
  afterCommits(count: number): Promise<void>;
  /** KILL; resolves with the last position that it reported durable. */
  kill(): Promise<number>;
}

export async function startAppender(dir: string): Promise<Appender> {
  const program = fileURLToPath(new URL('./programs/append-until-killed.ts', import.meta.url));
  const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout! });
  const closed = once(lines, 'close');
  const durable: number[] = [];
  let told = () => {};
  const opened = Promise.withResolvers<number>();
  lines.on('line', (line) => {
    if (line.startsWith('opened ')) opened.resolve(Number(line.slice(7)));
    else durable.push(Number(line));
    told();
  });
  void exited.then(([code]) => opened.reject(new Error(`the appender ended with code ${code}`)));
  const head = await opened.promise;
  return {
    child,
    head,
    async afterCommits(count) {
      while (durable.length < count) {
        await new Promise<void>((resolve) => {
          told = resolve;
        });
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await Promise.all([exited, closed]);
      return durable.at(-1) ?? head;
    },
  };
}
