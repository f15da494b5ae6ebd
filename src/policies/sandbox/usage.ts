/**
 * What a process uses, as the kernel counts it. Nothing here may throw: the process may be gone, and systems without /proc
 * count nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Resident bytes; null when they cannot be known, as on systems without /proc. */
export function residentBytes(pid: number): number | null {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** Time on the processor in ms, in steps of 10; null when it cannot be known. */
export function processorMs(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  // the name, in parentheses, may hold anything; user and system time are fields 14 and 15, in hundredths of a second
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks * 10 : null;
}

/** When memory runs out on the machine, the kernel ends this process before any other. */
export function firstToGo(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // it is a last resort beside the bound that turnout itself watches
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
