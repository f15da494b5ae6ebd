/**
 * What a slice of a log refers to by hash, under other names: configurations and the sources of policies. Reads each once
 * for its new hash, and again when it is written, so that they are never all in memory.
 */
import { createHash } from 'node:crypto';
import type { Json } from '../../config/canonical.ts';
import type { TurnoutEvent } from '../../events.ts';
import type { Position } from '../../ids.ts';
import type { State } from '../../state.ts';
import type { LogReader } from '../collect.ts';
import { eventsOf } from '../pages.ts';
import type { Disguise } from './disguise.ts';
import { disguiseConfig } from './disguise-config.ts';

export interface BlobRef {
  hash: string;
  kind: 'config' | 'policy';
}

export interface BlobReader {
  getBlob(hash: string): Promise<string | null>;
}

/** What a state or an event refers to. */
export const blobsOfState = ({ configHash, policies }: Readonly<State>): BlobRef[] => [
  ...(configHash === '' ? [] : [{ hash: configHash, kind: 'config' as const }]),
  ...[...policies.values()].map(({ sourceHash }) => ({ hash: sourceHash, kind: 'policy' as const })),
];

export function blobsOfEvent(event: TurnoutEvent): BlobRef[] {
  if (event.type === 'config.applied') return [{ hash: event.data.hash, kind: 'config' }];
  if (event.type === 'policy.loaded') return [{ hash: event.data.sourceHash, kind: 'policy' }];
  return [];
}

/** All that a slice refers to, each once. */
export async function blobsOf(
  log: LogReader,
  range: { from: Position; to: Position },
  base: Readonly<State>,
): Promise<BlobRef[]> {
  const found = new Map(blobsOfState(base).map((blob) => [blob.hash, blob]));
  for await (const event of eventsOf(log, { ...range, types: ['config.applied', 'policy.loaded'] })) {
    for (const blob of blobsOfEvent(event)) found.set(blob.hash, blob);
  }
  return [...found.values()];
}

/** Configurations, parsed; those that the log does not hold are left out. */
export async function configsOf(log: BlobReader, blobs: readonly BlobRef[]): Promise<Json[]> {
  const configs: Json[] = [];
  for (const { hash, kind } of blobs) {
    const text = kind === 'config' ? await log.getBlob(hash) : null;
    if (text !== null) configs.push(JSON.parse(text) as Json);
  }
  return configs;
}

export interface DisguisedBlobs {
  /** The new hash of a configuration, of a policy's source or of its options. */
  hash(old: string): string;
  /** The new text; null = it is left out, or the log does not hold it. */
  text(blob: BlobRef): Promise<string | null>;
}

/** `policies`: whether the sources of policies stay, with the names in them changed. */
export async function disguiseBlobs(
  log: BlobReader,
  blobs: readonly BlobRef[],
  to: Disguise,
  policies: boolean,
): Promise<DisguisedBlobs> {
  const hashes = new Map<string, string>();
  for (const blob of blobs) {
    const { text, options } = await changed(blob);
    if (text !== null) hashes.set(blob.hash, createHash('sha256').update(text).digest('hex'));
    for (const [old, now] of options) hashes.set(old, now);
  }

  async function changed({ hash, kind }: BlobRef): Promise<{ text: string | null; options: Map<string, string> }> {
    const text = kind === 'policy' && !policies ? null : await log.getBlob(hash);
    if (text === null) return { text, options: new Map() };
    return kind === 'config' ? disguiseConfig(text, to) : { text: to.text(text), options: new Map() };
  }

  return {
    hash: (old) => hashes.get(old) ?? old,
    text: async (blob) => (await changed(blob)).text,
  };
}
