/**
 * Starts a program: no shell, stdin empty, its own session and process group (spec 5.1), so that it can outlive turnout.
 * Must never throw for what a configuration can get wrong: that is an outcome, in words that name the command.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Either at once a child, or a promise of why there is none. */
export type Spawned = { ok: true; child: ChildProcess; pid: number } | { ok: false; why: Promise<string> };

export interface Program {
  words: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Descriptor for stdout and stderr, or `ignore`. */
  output: number | 'ignore';
  /** PATH in which the program is looked for: turnout's own, whatever the model's environment says. */
  path: string;
}

/** Synchronous, so that nothing can come between the birth of a child and whoever takes it. */
export function spawnProgram({ words, env, output, path }: Program): Spawned {
  const [name = '', ...args] = words;
  const file = findProgram(name, path);
  let child: ChildProcess;
  try {
    const stdio = ['ignore' as const, output, output];
    child = spawn(file, args, { argv0: name, env, stdio, detached: true, windowsHide: true });
  } catch (error) {
    return { ok: false, why: Promise.resolve(whyNot(name, file, error)) };
  }
  const { pid } = child;
  // ENOENT and its like are an 'error' without an 'exit'
  if (pid === undefined) return { ok: false, why: once(child, 'error').then(([error]) => whyNot(name, file, error)) };
  return { ok: true, child, pid };
}

/** Inherited variables, then `K=V` lines, the later one winning (spec 5.1). A line without `=` sets nothing. */
export function mergeEnv(base: NodeJS.ProcessEnv, lines: readonly string[]): NodeJS.ProcessEnv {
  const env = { ...base };
  for (const line of lines) {
    const equals = line.indexOf('=');
    if (equals > 0) env[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return env;
}

function findProgram(name: string, path: string): string {
  if (name === '' || name.includes('/')) return name;
  const found = path.split(delimiter).find((folder) => folder !== '' && isProgram(join(folder, name)));
  return found === undefined ? name : join(found, name);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program',
  EACCES: 'it may not be executed',
  EPERM: 'it may not be executed',
  ENOEXEC: 'it is not a program for this machine',
  E2BIG: 'its arguments and environment are too long',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EAGAIN: 'there are too many processes',
  ENOMEM: 'there is not enough memory',
};

function whyNot(name: string, file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const missingInterpreter = code === 'ENOENT' && isProgram(file);
  const reason = missingInterpreter ? 'its interpreter does not exist' : (REASONS[code] ?? (error as Error).message);
  return `failed to start command "${name}": ${reason}${code === '' ? '' : ` (${code})`}`;
}
