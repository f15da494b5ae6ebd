/**
 * Processes that are ours by their mark or their output but belong to no run that anybody remembers: left by a log that
 * was moved aside, or by a turnout that died in the middle of a stop.
 * Must never touch turnout itself or whoever started it, nor a process that only reads an output.
 */
import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { LIMITS } from '../../limits.ts';
import { runOfOutputFile } from '../../output-file.ts';
import { signalOne } from './family.ts';
import { createPause } from './pause.ts';
import { hasProc, type Identity, isZombie, type Proc, readDescriptor, scanProcesses } from './proc.ts';

export interface Stray extends Identity {
  name: string;
  /** Its run, as far as mark or output say so. */
  run: number;
  /** Why it is ours, for people. */
  evidence: string;
}

const LOOK_MS = 25;

/** @param known runs whose processes are not strays */
export async function findStrays(
  stateDir: string,
  instance: string,
  known: (run: number) => boolean,
): Promise<Stray[]> {
  if (!hasProc) return [];
  const table = await scanProcesses();
  const spared = lineOf(table, process.pid);
  const home = realHome(stateDir);
  return table.flatMap((proc) => {
    if (spared.has(proc.pid) || isZombie(proc.state)) return [];
    const claim = claimBy(proc, home, instance);
    if (claim === null || known(claim.run)) return [];
    return [{ pid: proc.pid, start: proc.start, name: proc.name, ...claim }];
  });
}

/**
 * TERM, a grace, KILL, looking anew each time because they may fork. Resolves when two looks in a row found none, or
 * when KILL does not help, which is told.
 */
export async function endStrays(
  find: () => Promise<Stray[]>,
  warn: (text: string) => void,
  closed: () => boolean,
): Promise<void> {
  const termed = new Set<string>();
  const pause = createPause();
  const killAt = performance.now() + LIMITS.leftoverGraceMs;
  for (let quietLooks = 0; quietLooks < 2 && !closed(); ) {
    const left = await find();
    quietLooks = left.length === 0 ? quietLooks + 1 : 0;
    const now = performance.now();
    if (left.length > 0 && now > killAt + LIMITS.killConfirmMs) {
      for (const { pid, name } of left) warn(`cannot end process ${pid} ("${name}"): KILL was sent, it is still there`);
      return;
    }
    for (const stray of left) {
      if (now >= killAt) signalOne(stray, 'SIGKILL');
      else askOnce(stray, termed, warn);
    }
    if (quietLooks < 2) await pause.wait(LOOK_MS);
  }
}

function askOnce(stray: Stray, termed: Set<string>, warn: (text: string) => void): void {
  const { pid, start, name, evidence } = stray;
  if (termed.has(`${pid}:${start}`)) return;
  termed.add(`${pid}:${start}`);
  if (signalOne(stray, 'SIGTERM')) {
    warn(`stopping process ${pid} ("${name}"): it ${evidence} but belongs to no run that is known`);
  }
}

function claimBy(proc: Proc, home: string, instance: string): Pick<Stray, 'run' | 'evidence'> | null {
  const tagged = proc.tag === null ? null : /^(\d+):(.*)$/.exec(proc.tag);
  if (tagged?.[2] === instance) return { run: Number(tagged[1]), evidence: `is marked as part of run ${tagged[1]}` };
  for (const fd of [1, 2]) {
    const target = readDescriptor(proc.pid, fd);
    if (target === null || !target.startsWith(home + sep)) continue;
    const file = relative(home, target);
    const run = runOfOutputFile(file);
    if (run !== null) return { run, evidence: `writes to "${file}"` };
  }
  return null;
}

/** A process and all that it descends from. */
function lineOf(table: readonly Proc[], pid: number): Set<number> {
  const parents = new Map(table.map((proc) => [proc.pid, proc.parent]));
  const line = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !line.has(at); at = parents.get(at)) line.add(at);
  return line;
}

/** /proc shows real paths. A state directory that does not exist has no strays by path. */
function realHome(stateDir: string): string {
  try {
    return realpathSync(stateDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return resolve(stateDir);
    throw error;
  }
}
