/**
 * Tells whether the kernel's OOM killer was at work a moment ago: the counter of our control group, which children
 * inherit, else that of the whole machine. Must never claim it without a counter that rose.
 */
import { readFileSync } from 'node:fs';

/** A kill counts as evidence for this long: a large process takes a while to be torn down. */
const WINDOW_MS = 30_000;

export interface OomWatch {
  /** To be called now and then while runs are alive; costs one small read. */
  sample(): void;
  /** True when the counter rose within the last half minute or so. */
  rose(): boolean;
}

/** @param readCount the counter now, null where there is none */
export function createOomWatch(
  readCount: () => number | null = counterOf(process.pid),
  now: () => number = () => performance.now(),
): OomWatch {
  let older = { at: now(), count: readCount() };
  let newer = older;
  return {
    sample: () => {
      if (now() - newer.at < WINDOW_MS) return;
      older = newer;
      newer = { at: now(), count: readCount() };
    },
    rose: () => {
      const count = readCount();
      return count !== null && older.count !== null && count > older.count;
    },
  };
}

function counterOf(pid: number): () => number | null {
  const file = [...controlGroupFiles(pid), '/proc/vmstat'].find((path) => countIn(path) !== null);
  return () => (file === undefined ? null : countIn(file));
}

/** `memory.events` (version 2) counts the groups below, too; `memory.oom_control` (version 1) does not. */
function controlGroupFiles(pid: number): string[] {
  const lines = read(`/proc/${pid}/cgroup`)?.split('\n') ?? [];
  return lines.flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '' && path !== '') return [`/sys/fs/cgroup${path}/memory.events`];
    if (controllers.split(',').includes('memory')) return [`/sys/fs/cgroup/memory${path}/memory.oom_control`];
    return [];
  });
}

function countIn(path: string): number | null {
  const match = /^oom_kill (\d+)$/m.exec(read(path) ?? '');
  return match === null ? null : Number(match[1]);
}

/** Evidence is welcome, never needed: what cannot be read is absent. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
