/**
 * Looks at what lies in the place of the log and says whether it can be used (kernel section 2). Opens read-only: the
 * last read-write connection to close would fold the write-ahead file into the database, and what is moved aside must be
 * what was found. Must never change, move or delete anything.
 */
import { lstatSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Position } from '../ids.ts';
import { readHead } from './head-file.ts';
import type { LogFiles } from './log-files.ts';
import { sizeOf, stateDirError } from './log-files.ts';
import type { Link } from './sqlite-chain.ts';
import { APPLICATION_ID, MIGRATIONS } from './sqlite-schema.ts';
import { isDamage } from './sqlite-trouble.ts';
import { hashAt, Unsound, type Verified, verifyLog } from './sqlite-verify.ts';

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

export type Finding =
  | { kind: 'none' }
  | { kind: 'unusable'; reason: UnusableReason; detail: string }
  /** `reader` is open: while it is, no other connection is the last one to close. The caller closes it. */
  | { kind: 'sound'; reader: Database.Database; base: Position; last: Link; warnings: string[] };

/**
 * Reads the whole log. `known` is how far it reached when this process last wrote to it, if it did. Throws
 * TurnoutError('state-dir') when the file is there but may not be read, and what SQLite throws for passing trouble.
 */
export function inspectLog(files: LogFiles, known: Link | null = null): Finding {
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
  return inspectDatabase(files, head, known);
}

function inspectDatabase(files: LogFiles, head: ReturnType<typeof readHead>, known: Link | null): Finding {
  let reader: Database.Database | null = null;
  try {
    reader = new Database(files.database, { readonly: true, timeout: 1_000 });
    const finding = examine(reader, head, known);
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
  if (error.code.startsWith('SQLITE_CANTOPEN')) throw stateDirError(`open "${files.database}"`, error);
  throw error;
}

function examine(reader: Database.Database, head: ReturnType<typeof readHead>, known: Link | null): Finding {
  reader.exec('BEGIN');
  const owner = reader.pragma('application_id', { simple: true });
  const version = Number(reader.pragma('user_version', { simple: true }));
  if (owner !== APPLICATION_ID) return unusable('foreign', 'the database was not made by turnout');
  if (version > MIGRATIONS.length) {
    return unusable('newer', `written by a newer turnout: expected format ${MIGRATIONS.length}, got ${version}`);
  }
  if (version < 1) return unusable('damaged', `expected a format from 1 to ${MIGRATIONS.length}, got ${version}`);
  const verified = verifyLog(reader);
  const warnings: string[] = [];
  if (typeof head === 'string' && verified.last.position > 0) {
    warnings.push(`the head of the event log is ${head}: whether its newest events were lost cannot be told`);
  }
  for (const claim of [typeof head === 'string' ? null : head, known]) {
    const broken = claim && contradiction(reader, verified, claim);
    if (broken) return broken;
  }
  reader.exec('COMMIT');
  return { kind: 'sound', reader, base: verified.root.position, last: verified.last, warnings };
}

/** A log that is ahead of what is claimed is sound; one that is behind it, or another one, is not. */
function contradiction(reader: Database.Database, { root, last }: Verified, claim: Link): Finding | null {
  if (claim.position > last.position) {
    return unusable('events-lost', `the log reached event ${claim.position}, what is left ends at ${last.position}`);
  }
  const found = claim.position === root.position ? root.hash : hashAt(reader, claim.position);
  if (found === claim.hash) return null;
  return unusable('swapped', `the commit that ends at event ${claim.position} is not the one that was written`);
}

function unusable(reason: UnusableReason, detail: string): Finding {
  return { kind: 'unusable', reason, detail };
}
