/**
 * A slice of a log as lines that fold alone: the state before it, its events, and what they refer to. With other names for
 * clients and models when that is asked for; that such a slice folds to the same state is proven before the last line.
 * Must never hold a log in memory.
 */
import { createHash, randomBytes } from 'node:crypto';
import { TurnoutError } from '../errors.ts';
import { type TurnoutEvent, VERSION } from '../events.ts';
import { emptyState, evolve } from '../evolve.ts';
import type { Position } from '../ids.ts';
import type { TimeTravel } from '../log/log.ts';
import type { State } from '../state.ts';
import { decodeState, encodeState, STATE_VERSION } from '../state-codec.ts';
import type { LogReader } from './collect.ts';
import { createDisguise, type Disguise } from './disguise/disguise.ts';
import {
  type BlobReader,
  type BlobRef,
  blobsOf,
  blobsOfEvent,
  blobsOfState,
  configsOf,
  disguiseBlobs,
} from './disguise/disguise-blobs.ts';
import { disguiseEvent } from './disguise/disguise-events.ts';
import { disguiseState } from './disguise/disguise-state.ts';
import { collectNames } from './disguise/names.ts';
import { EXPORT_FORMAT, type ExportEnd, type ExportHeader, writeLine } from './export-format.ts';
import { eventsOf } from './pages.ts';

export type ExportedLog = LogReader & BlobReader & Pick<TimeTravel, 'stateAt'>;

export interface ExportOptions {
  /** The slice: what is after `base`, up to `head`. */
  base: Position;
  head: Position;
  /** Version of this turnout. */
  version: string;
  /** ms since 1970. */
  now: number;
  redact: boolean;
  relabel: boolean;
  /** With `redact`: whether the sources of policies stay. Without it they do. */
  policies: boolean;
  /** The position that was written last. */
  onProgress?(position: Position): void;
}

/** What happens to each thing on its way into the file. */
interface Changes {
  state(state: State): State;
  event(event: TurnoutEvent): TurnoutEvent;
  blob(blob: BlobRef): Promise<{ hash: string; text: string } | null>;
}

/** The text of the file, in pieces. Throws TurnoutError('log-damaged') when the slice does not fold to what the log folds to. */
export async function* exportLines(log: ExportedLog, options: ExportOptions): AsyncGenerator<string, ExportEnd> {
  const { base, head, version, now, redact, relabel } = options;
  const original = await log.stateAt(base);
  const changes = await changesOf(log, original, options);
  const sum = createHash('sha256');
  const count = {
    events: 0,
    requests: 0,
    decisions: 0,
    blobs: 0,
    from: null as number | null,
    to: null as number | null,
  };
  const models = new Set<string>(original.models.keys());
  const written = new Set<string>();
  const line = (text: string): string => {
    sum.update(text);
    return text;
  };

  async function blobLines(blobs: readonly BlobRef[]): Promise<string> {
    let text = '';
    for (const blob of blobs) {
      if (written.has(blob.hash)) continue;
      written.add(blob.hash);
      const changed = await changes.blob(blob);
      if (changed === null) continue;
      count.blobs++;
      text += writeLine({ blob: changed });
    }
    return text;
  }

  const header: ExportHeader = {
    turnoutExport: EXPORT_FORMAT,
    turnout: version,
    exportedAt: now,
    base,
    head,
    redacted: redact,
    relabelled: relabel,
  };
  yield line(writeLine({ header }));
  const state = base === 0 ? emptyState() : changes.state(original);
  if (base > 0) {
    yield line((await blobLines(blobsOfState(original))) + writeLine({ event: rebased(state, base) }));
  }

  let piece = '';
  for await (const event of eventsOf(log, { from: base + 1, to: head })) {
    const refers = blobsOfEvent(event);
    if (refers.length > 0) piece += await blobLines(refers);
    const changed = changes.event(event);
    evolve(state, changed);
    piece += writeLine({ event: changed });
    count.events++;
    count.from ??= event.at;
    count.to = event.at;
    if (event.type === 'request.arrived') count.requests++;
    if (event.type === 'plan.decided') count.decisions++;
    if (event.type === 'config.applied') for (const { id } of event.data.settings.models) models.add(id);
    if (piece.length < PIECE_CHARS) continue;
    yield line(piece);
    options.onProgress?.(event.position);
    piece = '';
  }
  yield line(piece);

  const text = encodeState(state);
  await expectSame(log, head, changes, text);
  const stateHash = createHash('sha256').update(text).digest('hex');
  const end = { ...count, models: models.size, stateVersion: STATE_VERSION, stateHash, sha256: sum.digest('hex') };
  yield writeLine({ end });
  return end;
}

const PIECE_CHARS = 256 * 1024;

/** The state with which the slice begins, as a log that was cut begins with it. */
function rebased(state: Readonly<State>, position: Position): TurnoutEvent {
  const { at } = state;
  const data = { stateVersion: STATE_VERSION, state: JSON.parse(encodeState(state)) as object };
  return { type: 'log.rebased', position, at, version: VERSION['log.rebased'], data };
}

async function changesOf(
  log: ExportedLog,
  original: Readonly<State>,
  { base, head, redact, relabel, policies }: ExportOptions,
): Promise<Changes> {
  if (!redact && !relabel) {
    return {
      state: (state) => decodeState(encodeState(state)),
      event: (event) => event,
      async blob({ hash }) {
        const text = await log.getBlob(hash);
        return text === null ? null : { hash, text };
      },
    };
  }
  const range = { from: base + 1, to: head };
  const blobs = await blobsOf(log, range, original);
  const names = await collectNames(log, range, original, await configsOf(log, blobs));
  const to: Disguise = createDisguise(names, { redact, relabel, key: randomBytes(32) });
  const changed = await disguiseBlobs(log, blobs, to, policies || !redact);
  return {
    // Its own copy: the fold changes what it is given.
    state: (state) => decodeState(encodeState(disguiseState(state, to, changed.hash))),
    event: (event) => disguiseEvent(event, to, changed.hash),
    async blob(blob) {
      const text = await changed.text(blob);
      return text === null ? null : { hash: changed.hash(blob.hash), text };
    },
  };
}

/** Who opens the file sees what the log says, or it is not written. */
async function expectSame(log: ExportedLog, head: Position, changes: Changes, got: string): Promise<void> {
  if (encodeState(changes.state(await log.stateAt(head))) === got) return;
  const message = `export the event log up to event ${head}: expected the slice to fold to the state of the log, got another`;
  throw new TurnoutError('log-damaged', message);
}
