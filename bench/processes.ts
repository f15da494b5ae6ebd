/**
 * Starting and stopping the programs that are compared, and the CPU time that they have used.
 * Must never leave one of them behind, nor count an upstream as part of the proxy in front of it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const START_MS = 15_000;
const STOP_MS = 15_000;

export interface Program {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

export function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stop(child: ChildProcess): Promise<void> {
  if (ended(child)) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await exit;
  clearTimeout(kill);
}

/** Starts `node <args>` and waits for the line that says where it listens. */
export function startProgram(args: string[]): Promise<Program> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let listens = false;
    const fail = (why: string) => {
      clearTimeout(timer);
      reject(new Error(`cannot start "node ${args.join(' ')}": ${why}\n${output.trim()}`));
    };
    const timer = setTimeout(() => {
      void stop(child).then(() => fail(`expected "listening on http://..." within ${START_MS} ms`));
    }, START_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => {
      if (!listens) fail(`it ended with ${signal ?? code}`);
    });
    for (const pipe of [child.stdout, child.stderr]) {
      // Read to the end of its life: a full pipe would block the program.
      pipe.setEncoding('utf8').on('data', (text: string) => {
        if (listens) return;
        output += text;
        const url = /listening on (http:\/\/[\d.]+:\d+)/.exec(output)?.[1];
        if (url === undefined) return;
        listens = true;
        clearTimeout(timer);
        resolve({ url, pid: child.pid!, stop: () => stop(child) });
      });
    }
  });
}

interface Stat {
  pid: number;
  parent: number;
  ticks: number;
}

/** The fields after the name, which may hold blanks and brackets: state, ppid, ... utime and stime are 14 and 15. */
function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It ended between the listing and the reading.
    return null;
  }
}

/** Memory in use now, in MB; null where the system has no /proc. Children are not counted. */
export function rssMb(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kb === undefined ? null : Number(kb) / 1024;
}

function isUpstream(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('upstream.ts');
  } catch {
    return true;
  }
}

const ticksPerSecond =
  process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 0;

/**
 * CPU time in microseconds of a process with all its threads and children, upstreams left out; null where the system has
 * no /proc. The clock ticks every 10 ms, so measure over seconds.
 */
export function cpuMicros(root: number): number | null {
  if (ticksPerSecond === 0) return null;
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== null);
  let ticks = 0;
  const visit = (pid: number) => {
    ticks += all.find((stat) => stat.pid === pid)?.ticks ?? 0;
    for (const stat of all) if (stat.parent === pid && !isUpstream(stat.pid)) visit(stat.pid);
  };
  visit(root);
  return (ticks * 1_000_000) / ticksPerSecond;
}
