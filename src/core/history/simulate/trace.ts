/**
 * What a slice of the log says of the world, apart from what turnout decided in it: who came when and stayed how long, how
 * long each start and stop took, what operators did. Types only. Must never hold a decision.
 */
import type { EventData, EventOf } from '../../events.ts';
import type { ModelId, Position, RequestId, RunId } from '../../ids.ts';
import type { Arrival, Input, InputOf, ServeReport } from '../../inputs.ts';
import type { State } from '../../state.ts';

/**
 * Something that happens a while after something else. `key`: its position in the log, which decides what comes first of
 * what falls on one millisecond; Infinity = the log does not hold it.
 */
export interface After {
  ms: number;
  key: number;
}

/** How a request went once it was granted: answered to the end, or its client left. */
export type ServeEnd = After & ({ report: ServeReport } | { gone: { status: number | null; bytes: number } });

export interface RecordedRequest {
  id: RequestId;
  model: ModelId | null;
  kind: Arrival['kind'];
  arrivedAt: number;
  /** Null: it was never granted, or the log ends before it did. */
  end: ServeEnd | null;
  /** When it left although it was not granted yet; null = it stayed. */
  patience: (After & { status: number | null; bytes: number }) | null;
  /** Whether it was refused, which says nothing of how long serving it takes. */
  refused: boolean;
  /** Another model than the one that was asked for served it. */
  redirected: boolean;
  /** What the serving side reported meanwhile, counted from the grant. */
  notes: (After & { note: Omit<InputOf<'http.quiet'>, 'request'> | Omit<InputOf<'http.retried'>, 'request'> })[];
}

export type Exit = Omit<InputOf<'child.exited'>, 'type' | 'run'>;

/** How one start went, counted from the order to start. `unknown`: it was ended before it was ready, after so long. */
export type Coming =
  | (After & { how: 'ready' })
  | (After & { how: 'failed'; exit: Exit })
  | { how: 'never' }
  | { how: 'unknown'; atLeastMs: number };

export interface RecordedRun {
  model: ModelId;
  spawned: After | null;
  coming: Coming;
  /** It ended by itself, counted from ready. */
  crash: (After & { exit: Exit }) | null;
  /** From the order to stop. */
  stop: (After & { exit: Exit }) | null;
  /** How long it has been stopping when the slice ends; 0 = it is not. */
  stopAtLeastMs: number;
  /** What it was seen to hold, counted from ready. */
  observed: (After & { bytes: Record<string, number> })[];
}

/** What came from outside, to be reported again at its moment. */
export type RecordedInput = { at: number; key: Position } & (
  | { kind: 'input'; input: Input }
  /** The turnout was killed: the last that it wrote was before this. */
  | { kind: 'death' }
  /** A turnout was started: the loop begins anew on the state that it finds. */
  | { kind: 'boot'; input: InputOf<'router.boot'>; survivors: Map<ModelId, Survivor> }
  | { kind: 'policy'; loaded: EventData['policy.loaded'] }
  /** `held`: what the runs of the recorded turnout held then, so that the rest is what others hold. */
  | { kind: 'devices'; devices: EventData['devices.sampled']['devices']; held: Record<string, number> }
);

/** What a start made of a run that it found: adopted it, or why not. */
export type Survivor = { adopted: true } | { adopted: false; why: string };

/** `due`: what it woke for, where the log says so for certain; `lateMs`: how late it was, -1 = not known. */
export interface Wake {
  at: number;
  key: Position;
  /** Time of the event before it. */
  after: number;
  due: number | null;
  lateMs: number;
}

export interface Trace {
  /** State before the slice stands after this position. */
  from: Position;
  to: Position;
  startsAt: number;
  endsAt: number;
  events: number;
  inputs: RecordedInput[];
  requests: Map<RequestId, RecordedRequest>;
  /** Of each model, in the order of the log. */
  runs: Map<ModelId, RecordedRun[]>;
  /** Runs that were there when the slice began. */
  earlier: Map<RunId, RecordedRun>;
  /** Moments at which the recorded turnout woke by itself, in order. */
  wakes: Wake[];
  /** When built-in planners had answered, where that took a millisecond, by `thoughtKey`. */
  thoughts: Map<string, number>;
  /** How late its timer was at most; 0 = it never was. */
  lateMs: number;
  /** Longest time from the exit of what had to leave to the look at the devices after it; 0 = nobody looked. */
  lookMs: number;
  /** Exits after which a swap wanted a look, with their times: as long as nothing has parted, the recorded looks are all. */
  cleared: Map<Position, number>;
  /** Configurations that were applied within the slice, beside the first one of a start. */
  reloads: number;
  /** What made policies silent by chance, which nobody can play again. */
  policyFaults: number;
  /** As the recorded turnout left it. Not to be changed. */
  end: Readonly<State>;
}

/** A question: where the log stood, and about whom it was. */
export const thoughtKey = (viewPosition: Position, target: ModelId): string => `${viewPosition} ${target}`;

/** How a process ended, as the runtime reports it. */
export const exitOf = ({ code, signal, by, detail, tail }: EventOf<'process.exited'>['data']): Exit => ({
  code,
  signal,
  by,
  detail,
  tail,
});
