/** What of a process is left. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** Zombies count as gone. */
export async function lives(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false; // either call fails exactly when there is no such process
  }
}

/** Exit code or signal, as text. */
export function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(String(child.signalCode ?? child.exitCode));
    else child.once('exit', (code, signal) => resolve(String(signal ?? code)));
  });
}
