/**
 * The line in front of the child: one job at a time, questions to live policies first. So it is always known whose fault it
 * is when the child dies, and who only stood in line. Must never leave a job without a result.
 */
import { BOUNDS } from './bounds.ts';
import type { ChildEnd, ChildLink } from './child-link.ts';
import type { ChildFault, FromChild, ToChild } from './messages.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

export type JobResult =
  | { ok: true; body: string; tookMs: number }
  | { ok: false; guilty: true; told: ChildFault }
  /** It was not reached, or something else stopped it. */
  | { ok: false; guilty: false; kind: 'timeout' | 'dead'; why: string };

export interface Job {
  message: WithoutId<ToChild>;
  body: string;
  /** 0 comes first; equal ranks in the order in which they came. */
  rank: 0 | 1 | 2;
  /** The result that it gets instead of being sent, if by then that makes no sense any more. */
  refuse?(): JobResult | null;
  /** Called exactly once. */
  settle(result: JobResult): void;
}

export interface Jobs {
  /** `deadlineMs`: a result comes by then at the latest. */
  add(job: Job, deadlineMs?: number): void;
  waiting(): number;
  onMessage(message: FromChild, body: string): void;
  /** A child is there, or (null) it is not and `end` says why: everything in line is settled. */
  attach(link: ChildLink | null, end?: ChildEnd): void;
}

interface Entry {
  job: Job;
  id: number;
  timer: NodeJS.Timeout | null;
  settled: boolean;
}

export function createJobs(): Jobs {
  const line: [Entry[], Entry[], Entry[]] = [[], [], []];
  let link: ChildLink | null = null;
  let current: Entry | null = null;
  let lastId = 0;

  function settle(entry: Entry, result: JobResult): void {
    if (entry.settled) return;
    entry.settled = true;
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.job.settle(result);
  }

  /** Its time is over. The child goes on with it, until it answers or is killed. */
  function overdue(entry: Entry, afterMs: number): void {
    if (entry.settled) return;
    const late = `gave no answer within ${afterMs} ms`;
    if (entry === current) return settle(entry, link?.isStarved() === true ? starved(late) : guilty('timeout', late));
    const { rank } = entry.job;
    line[rank].splice(line[rank].indexOf(entry), 1);
    const before = current === null ? 'others' : `"${current.job.message.slot}"`;
    settle(entry, {
      ok: false,
      guilty: false,
      kind: 'timeout',
      why: `stood in line behind ${before} for ${afterMs} ms`,
    });
  }

  function next(): void {
    while (current === null && link !== null) {
      const entry = line[0].shift() ?? line[1].shift() ?? line[2].shift();
      if (entry === undefined) return;
      const refused = entry.job.refuse?.() ?? null;
      if (refused !== null) {
        settle(entry, refused);
        continue;
      }
      current = entry;
      entry.id = ++lastId;
      link.send({ ...entry.job.message, id: entry.id } as ToChild, entry.job.body);
    }
  }

  function attach(to: ChildLink | null, end?: ChildEnd): void {
    link = to;
    if (to !== null || end === undefined) return next();
    const { kind, message, byPolicy } = end;
    const stopped = current;
    current = null;
    const why: JobResult = { ok: false, guilty: false, kind: 'dead', why: message };
    if (stopped !== null)
      settle(stopped, byPolicy ? { ok: false, guilty: true, told: { kind, message, stack: '' } } : why);
    for (const entry of line.flatMap((entries) => entries.splice(0))) settle(entry, why);
  }

  return {
    add(job, deadlineMs) {
      const entry: Entry = { job, id: 0, timer: null, settled: false };
      if (deadlineMs !== undefined) {
        // After the timers of a loop comes its input: an answer that is there already still counts.
        entry.timer = setTimeout(() => setImmediate(() => overdue(entry, deadlineMs)), deadlineMs);
      }
      line[job.rank].push(entry);
      next();
    },
    waiting: () => line[0].length + line[1].length + line[2].length,
    onMessage(message, body) {
      if (message.op === 'hello' || message.op === 'rested' || current?.id !== message.id) return;
      const entry = current;
      current = null;
      if (message.op === 'done') settle(entry, { ok: true, body, tookMs: message.tookMs });
      else if (message.starved) settle(entry, starved(message.fault.message));
      else settle(entry, { ok: false, guilty: true, told: message.fault });
      next();
    },
    attach,
  };
}

/** Whether so many wait that another one would only make all of them late. */
export function isFull(jobs: Jobs): boolean {
  return jobs.waiting() >= BOUNDS.policyQuestionsWaitingMax;
}

function guilty(kind: ChildFault['kind'], message: string): JobResult {
  return { ok: false, guilty: true, told: { kind, message, stack: '' } };
}

function starved(what: string): JobResult {
  return { ok: false, guilty: false, kind: 'timeout', why: `${what}, as the machine was busy with other things` };
}
