/**
 * The hashes that tie the commits of a log together: each is over the lines of its batch and the hash before it, so that
 * a changed, missing or foreign row shows (SQLite itself serves flipped bits without a word). One hash per commit: one
 * per event costs six times as much. Must never hash anything but what is stored.
 */
import { createHash, hash, randomBytes } from 'node:crypto';
import type { Position } from '../ids.ts';

/** A commit: the position of its last event, and the hash up to there, hex. */
export interface Link {
  position: Position;
  hash: string;
}

/** Random bytes (hex) that make every log its own: another log of the same length never passes for it. */
export const newSeed = (): string => randomBytes(16).toString('hex');

/** The hash that the first commit of a log follows. `base` is the position before its first commit. */
export const rootHash = (base: Position, seed: string): string => hash('sha256', `turnout log ${base} ${seed}`, 'hex');

/** The hash of a commit, hex. `text` is the lines of its batch with a newline between two. */
export function nextHash(previous: string, text: string): string {
  return createHash('sha256').update(previous).update(text).digest('hex');
}

/** What stands beside a blob to notice a change; blobs are not part of the chain. */
export const blobCheck = (key: string, bytes: string): string => hash('sha256', `${key}\n${bytes}`, 'hex');

/** What stands beside the state that a log begins with, and the hash that its first commit follows. */
export const baseProof = (seed: string, base: Link, line: string): string =>
  hash('sha256', `${seed} ${base.position} ${base.hash}\n${line}`, 'hex');

/** What stands beside a snapshot. Its state is that of the one log that has this link. */
export function snapshotProof(link: Link, foldId: number, bytes: Uint8Array): string {
  return createHash('sha256').update(`${link.position} ${link.hash} ${foldId}\n`).update(bytes).digest('hex');
}
