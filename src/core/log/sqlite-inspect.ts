/**
 * Looks at what lies in the place of the log and says whether it can be used (kernel section 2). Opens read-only: the
 * last read-write connection to close would fold the write-ahead file into the database, and what is moved aside must be
 * what was found. Must never change, move or delete anything.
 */
import { lstatSync } from 'node:fs';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import { readHead } from './head-file.ts';
import type { LogFiles } from './log-files.ts';
import { sizeOf } from './log-files.ts';
import type { Link } from './sqlite-chain.ts';
import { stateAt } from './sqlite-fold.ts';
import { Unsound } from './sqlite-root.ts';
import { APPLICATION_ID, formatOf, MIGRATIONS } from './sqlite-schema.ts';
import { newestSnapshot } from './sqlite-snapshots.ts';
import { isDamage } from './sqlite-trouble.ts';
import { hashAt, type Verified, verifyLog, verifyTail } from './sqlite-verify.ts';

/** Why a log cannot be used; part of the name under which it is moved aside. */
export type UnusableReason =
  | 'missing'
  | 'empty'
  | 'not-a-file'
  | 'not-a-database'
  | 'foreign'
  | 'newer'
  | 'damaged'
  | 'events-lost'
  | 'swapped';

const HEADER_BYTES = 100;

export interface Unusable {
  kind: 'unusable';
  reason: UnusableReason;
  detail: string;
}

export type Finding =
  | { kind: 'none' }
  | Unusable
  /** `reader` is open: while it is, no other connection is the last one to close. The caller closes it. */
  | {
      kind: 'sound';
      reader: Database.Database;
      base: Position;
      last: Link;
      /** False: only what follows the newest snapshot was read; the rest is still to be proven. */
      whole: boolean;
      /** Where the newest snapshot that can be trusted stands; 0 = there is none. */
      snapshot: Position;
      warnings: string[];
    };

export interface InspectOptions {
  /** How far the log reached when this process last wrote to it, if it did. */
  known?: Link | null;
  /** A larger file that has a snapshot is read from there on only. Default: every file is read whole. */
  wholeBytesMax?: number;
}

/**
 * Reads the log. Throws TurnoutError('state-dir') when the file is there but may not be read, and what SQLite throws for
 * passing trouble.
 */
export function inspectLog(files: LogFiles, options: InspectOptions = {}): Finding {
  const known = options.known ?? null;
  // The head is read first: a writer in another process may go on meanwhile, and only ever moves ahead of it.
  const head = readHead(files.head);
  const found = lstatSync(files.database, { throwIfNoEntry: false });
  if (found === undefined) {
    // A write-ahead file without its database would be taken for that of the next one.
    if (head === 'missing' && known === null && sizeOf(files.wal) === 0) return { kind: 'none' };
    return unusable('missing', 'the database is gone, what belongs to it is still there');
  }
  if (!found.isFile()) return unusable('not-a-file', 'expected a regular file');
  if (found.size === 0) return unusable('empty', 'the file has 0 bytes');
  // SQLite takes a file shorter than its header for an empty database.
  if (found.size < HEADER_BYTES) return unusable('not-a-database', `the file has ${found.size} bytes`);
  const wholeBytesMax = options.wholeBytesMax ?? Number.POSITIVE_INFINITY;
  return inspectDatabase(files, { head, known, whole: found.size <= wholeBytesMax });
}

interface Claims {
  head: ReturnType<typeof readHead>;
  known: Link | null;
  whole: boolean;
}

function inspectDatabase(files: LogFiles, claims: Claims): Finding {
  let reader: Database.Database | null = null;
  try {
    reader = new Database(files.database, { readonly: true, timeout: 1_000 });
    const finding = examine(reader, files, claims);
    if (finding.kind !== 'sound') reader.close();
    return finding;
  } catch (error) {
    reader?.close();
    return explained(error, files);
  }
}

/** What an error says of the contents. Throws it on when it says nothing of them. */
function explained(error: unknown, files: LogFiles): Finding {
  if (error instanceof Unsound) return unusable(error.reason, error.message);
  if (!(error instanceof Database.SqliteError)) throw error;
  if (error.code === 'SQLITE_NOTADB') return unusable('not-a-database', error.message);
  if (isDamage(error) || error.code === 'SQLITE_ERROR') return unusable('damaged', error.message);
  if (error.code.startsWith('SQLITE_CANTOPEN')) throw cannotOpen(files, error);
  throw error;
}

function cannotOpen({ database, dir }: LogFiles, cause: Error): TurnoutError {
  const expected = 'expected to be allowed to write beside it, which even reading needs';
  const remedy = `copy "${dir}" to where it can be written, and name the copy with --state-dir`;
  return new TurnoutError('state-dir', `open "${database}": ${expected}, got "${cause.message}"; ${remedy}`, { cause });
}

function examine(reader: Database.Database, files: LogFiles, { head, known, whole }: Claims): Finding {
  reader.exec('BEGIN');
  const owner = reader.pragma('application_id', { simple: true });
  const version = formatOf(reader);
  if (owner !== APPLICATION_ID) return unusable('foreign', 'the database was not made by turnout');
  if (version > MIGRATIONS.length) {
    return unusable('newer', `written by a newer turnout: expected format ${MIGRATIONS.length}, got ${version}`);
  }
  if (version < 1) return unusable('damaged', `expected a format from 1 to ${MIGRATIONS.length}, got ${version}`);
  const warnings: string[] = [];
  const snapshot = newestSnapshot(reader, Number.MAX_SAFE_INTEGER, (text) => warnings.push(text));
  const tailOnly = !whole && snapshot !== null;
  const verified = tailOnly ? verifyTail(reader, snapshot.link) : verifyLog(reader);
  if (typeof head === 'string' && verified.last.position > 0) {
    warnings.push(`the head of the event log is ${head}: whether its newest events were lost cannot be told`);
  }
  for (const claim of [typeof head === 'string' ? null : head, known]) {
    const broken = claim && contradiction(reader, files, verified, claim);
    if (broken) return broken;
  }
  const unfolded = whyNoFold(reader, verified.last.position);
  if (unfolded !== null) return unusable('damaged', `its events are what was written, but do not fold: ${unfolded}`);
  reader.exec('COMMIT');
  const { root, last } = verified;
  const at = snapshot?.link.position ?? 0;
  return { kind: 'sound', reader, base: root.position, last, whole: !tailOnly, snapshot: at, warnings };
}

/** A log that leads to no state is of no use to a start, whoever wrote it; null where it leads to one. */
function whyNoFold(reader: Database.Database, last: Position): string | null {
  try {
    stateAt(reader, last);
    return null;
  } catch (error) {
    if (error instanceof Database.SqliteError || !(error instanceof Error)) throw error;
    return error.message;
  }
}

/** A log that is ahead of what is claimed is sound; one that is behind it, or another one, is not. */
function contradiction(
  reader: Database.Database,
  files: LogFiles,
  { root, last }: Verified,
  claim: Link,
): Finding | null {
  if (claim.position > last.position) {
    return unusable('events-lost', `the log reached event ${claim.position}, what is left ends at ${last.position}`);
  }
  const found = claim.position === root.position ? root.hash : hashAt(reader, claim.position);
  if (found === claim.hash) return null;
  if (claim.position < root.position && movedOn(files, claim)) return null;
  return unusable('swapped', `the commit that ends at event ${claim.position} is not the one that was written`);
}

/**
 * Whether the head is another one by now: a writer in another process goes on, and what the head named has left since. It
 * never leaves before the head is ahead of it.
 */
function movedOn(files: LogFiles, claim: Link): boolean {
  const head = readHead(files.head);
  return typeof head !== 'string' && head.position > claim.position;
}

function unusable(reason: UnusableReason, detail: string): Finding {
  return { kind: 'unusable', reason, detail };
}
