/**
 * Faults on demand, for tests: what a disk does when it is slow, full or broken. Without a description nothing happens.
 * Must never be reachable from configuration.
 */
import Database from 'better-sqlite3';

/** Commits are counted from 1 over the life of one log, tries again included. */
export interface LogFault {
  /** Each commit takes this much longer. */
  slowCommitMs?: number;
  /** These commits fail with this SQLite code, e.g. `SQLITE_IOERR_FSYNC`. */
  failCommits?: { from: number; to: number; code: string };
  /** Before these commits the database is not allowed to grow past so many pages; afterwards it is again. */
  fullCommits?: { from: number; to: number; pages: number };
  /** The writer dies at this commit. */
  crashAt?: number;
  /** Snapshots fail with this SQLite code. */
  failSnapshots?: string;
  /** The process is killed before this step of taking events away, counted from 1. */
  killAtTrimStep?: number;
}

export interface Fault {
  beforeInsert(db: Database.Database): void;
  beforeCommit(): void;
  beforeSnapshot(): void;
  beforeTrimStep(): void;
}

const PAGES_ANY = 4_294_967_294;

/** `counter` outlives the writer: the commit after a crash is not the first one again. */
export function createFault(what: LogFault | null, counter: Int32Array): Fault {
  if (what === null) return { beforeInsert() {}, beforeCommit() {}, beforeSnapshot() {}, beforeTrimStep() {} };
  const { slowCommitMs = 0, failCommits, fullCommits, crashAt } = what;
  let trimSteps = 0;
  const within = (span: { from: number; to: number }) => nth() >= span.from && nth() <= span.to;
  const nth = () => Atomics.load(counter, 0);
  return {
    beforeInsert(db) {
      Atomics.add(counter, 0, 1);
      if (nth() === crashAt) throw new CrashForTest();
      if (fullCommits) db.pragma(`max_page_count = ${within(fullCommits) ? fullCommits.pages : PAGES_ANY}`);
    },
    beforeCommit() {
      if (slowCommitMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slowCommitMs);
      if (failCommits && within(failCommits)) throw new Database.SqliteError('made up for a test', failCommits.code);
    },
    beforeSnapshot() {
      if (what.failSnapshots) throw new Database.SqliteError('made up for a test', what.failSnapshots);
    },
    beforeTrimStep() {
      trimSteps += 1;
      if (trimSteps === what.killAtTrimStep) process.kill(process.pid, 'SIGKILL');
    },
  };
}

/** Is let through by everything, so that the thread ends. */
export class CrashForTest extends Error {}
