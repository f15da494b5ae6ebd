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
  /** Resolves when it reported so many commits, or has ended. */
  afterCommits(count: number): Promise<void>;
  /** KILL; resolves with the last position that it reported durable. */
  kill(): Promise<number>;
  /** Resolves when it has ended by itself or was done: with the last position that it reported durable. */
  ended: Promise<{ done: boolean; acknowledged: number }>;
}

/** Appends until it is killed. `env`: beside the environment of the test. */
export const startAppender = (dir: string, env: Record<string, string> = {}): Promise<Appender> =>
  start('append-until-killed.ts', [dir], env);

/** Lets old events go, until it is killed, or kills itself before a step (0 = it does not). */
export const startTrimmer = (
  dir: string,
  { step, env = {} }: { step: number; env?: Record<string, string> },
): Promise<Appender> => start('trim-until-killed.ts', [dir, String(step)], env);

async function start(name: string, args: string[], env: Record<string, string> = {}): Promise<Appender> {
  const program = fileURLToPath(new URL(`./programs/${name}`, import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout! });
  const closed = once(lines, 'close');
  const durable: number[] = [];
  let done = false;
  let over = false;
  let told = () => {};
  const opened = Promise.withResolvers<number>();
  lines.on('line', (line) => {
    if (line.startsWith('opened ')) opened.resolve(Number(line.slice(7)));
    else if (line === 'done') {
      done = true;
      child.kill('SIGKILL');
    } else durable.push(Number(line));
    told();
  });
  void exited.then(([code]) => opened.reject(new Error(`${name} ended with code ${code}`)));
  const head = await opened.promise;
  const acknowledged = () => durable.at(-1) ?? head;
  const ended = Promise.all([exited, closed]).then(() => {
    over = true;
    told();
    return { done, acknowledged: acknowledged() };
  });
  return {
    child,
    head,
    async afterCommits(count) {
      while (durable.length < count && !over) {
        await new Promise<void>((resolve) => {
          told = resolve;
        });
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
      return acknowledged();
    },
    ended,
  };
}
