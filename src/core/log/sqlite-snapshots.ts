/**
 * States kept beside the log, so that a jump folds a few thousand events and a start does not fold them all. Each is
 * tied to the commit that it stands at. Must never be trusted when its proof does not hold: the fold begins earlier then.
 */
import { hash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type Database from 'better-sqlite3';
import { VERSION } from '../events.ts';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import { decodeState, encodeState, STATE_FIELDS, STATE_VERSION } from '../state-codec.ts';
import { type Link, snapshotProof } from './sqlite-chain.ts';
import { readBase } from './sqlite-root.ts';
import { formatOf, SNAPSHOTS_SINCE } from './sqlite-schema.ts';

/**
 * The fold that made a snapshot, as a number: others are made anew. A new event or a new field is noticed even when
 * nobody raised the version of the state.
 */
export const FOLD_ID = Number.parseInt(
  hash('sha256', JSON.stringify([STATE_VERSION, STATE_FIELDS, VERSION]), 'hex').slice(0, 12),
  16,
);

/** As it crosses from the reader, which makes it, to the writer, which keeps it. */
export interface Snapshot {
  /** The commit that it stands at the end of. */
  link: Link;
  foldId: number;
  /** The compressed text of the state: a twentieth of it. */
  bytes: Uint8Array;
  proof: string;
}

type SnapshotRow = [position: number, foldId: number, link: string, bytes: Buffer, proof: string];

export function makeSnapshot(link: Link, state: Readonly<State>): Snapshot {
  const text = Buffer.from(encodeState(state), 'utf8');
  // Quality 4 takes 2 ms for half a megabyte, as deflate does for a result half as large again.
  const bytes = brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
  return { link, foldId: FOLD_ID, bytes, proof: snapshotProof(link, FOLD_ID, bytes) };
}

/** The state of a snapshot, for the caller to own. */
export function openSnapshot({ bytes }: Snapshot): State {
  return decodeState(brotliDecompressSync(bytes).toString('utf8'));
}

/** Call within a transaction. */
export function putSnapshot(db: Database.Database, { link, foldId, bytes, proof }: Snapshot): void {
  const sql = 'INSERT OR REPLACE INTO snapshots (position, fold, link, bytes, proof) VALUES (?, ?, ?, ?, ?)';
  db.prepare(sql).run(link.position, foldId, link.hash, bytes, proof);
}

/** Takes away those that another fold made. */
export function forgetOtherSnapshots(db: Database.Database): void {
  db.prepare('DELETE FROM snapshots WHERE fold <> ?').run(FOLD_ID);
}

/** The newest one that can be trusted and lies at or before a position. `onBad` is told of those that it passed over. */
export function newestSnapshot(
  db: Database.Database,
  upTo: Position,
  onBad: (text: string) => void = () => {},
): Snapshot | null {
  if (formatOf(db) < SNAPSHOTS_SINCE) return null;
  const rows = db
    .prepare<number[], SnapshotRow>(
      `SELECT position, fold, link, bytes, proof FROM snapshots
       WHERE position <= ? AND position >= ? AND fold = ? ORDER BY position DESC`,
    )
    .raw();
  const commit = db.prepare<[number], string>('SELECT hash FROM commits WHERE last = ?').pluck();
  for (const row of rows.iterate(upTo, readBase(db), FOLD_ID)) {
    const [position, foldId, linkHash, bytes, proof] = row;
    const link = { position, hash: linkHash };
    if (commit.get(position) === linkHash && snapshotProof(link, foldId, bytes) === proof) {
      return { link, foldId, bytes, proof };
    }
    onBad(`the snapshot of the event log at event ${position} is not what was stored: it is not used`);
  }
  return null;
}
