/**
 * Runs a tool that only prints: found in PATH, no shell, stdin empty, English output, bounded. Once its signal is aborted
 * it and whatever it started are killed. Must never settle before the tool is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Answer } from './attempts.ts';

// bounds, with their units
const OUTPUT_MIB_MAX = 1;
const OUTPUT_CHARS_MAX = OUTPUT_MIB_MAX * 1024 ** 2;

export interface Printed {
  /** null when a signal ended it. */
  code: number | null;
  out: string;
  err: string;
}

/** An exit code that tells of a failure is an answer like any other: the caller knows what it means. */
export function runTool(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Answer<Printed>> {
  return new Promise((resolve) => {
    const cannotStart = (error: unknown): void =>
      resolve({ problem: { cause: 'start', text: `cannot start "${file}": ${(error as Error).message}` } });
    let child: ChildProcess;
    try {
      // a group of its own, so that a wrapper's children go with it
      child = spawn(file, args, {
        env: { ...env, LC_ALL: 'C' },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
        windowsHide: true,
      });
    } catch (error) {
      cannotStart(error);
      return;
    }
    const kill = () => killGroup(child);
    const texts = { out: '', err: '' };
    let tooMuch = false;
    const collect = (which: 'out' | 'err') => (chunk: string) => {
      texts[which] += chunk;
      if (texts[which].length <= OUTPUT_CHARS_MAX) return;
      tooMuch = true;
      kill();
    };
    child.stdout?.setEncoding('utf8').on('data', collect('out'));
    child.stderr?.setEncoding('utf8').on('data', collect('err'));
    child.once('error', cannotStart);
    child.once('close', (code) => {
      signal.removeEventListener('abort', kill);
      if (!tooMuch) resolve({ value: { code, ...texts } });
      else resolve({ problem: { cause: 'too-much', text: `"${file}" printed more than ${OUTPUT_MIB_MAX} MiB` } });
    });
    if (signal.aborted) kill();
    else signal.addEventListener('abort', kill, { once: true });
  });
}

/** Whole path of a program in a PATH, or null. */
export function findTool(name: string, path: string): string | null {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    if (folder !== '' && isProgram(file)) return file;
  }
  return null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // whatever the reason: it cannot be run
  }
}

/** Its pipes are closed too: a stranger that inherited them must not hold up the end. */
function killGroup(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // no group to be had (Windows), or it has just gone
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    child.kill('SIGKILL');
  }
}
