/** What of a process is left. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** Zombies count as gone. `startTime` as in `process.spawned`: after some thousand processes a pid is another's. */
export async function lives(pid: number, startTime?: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] !== 'Z' && (startTime === undefined || fields[19] === startTime);
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
