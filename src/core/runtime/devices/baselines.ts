/**
 * What devices held just before each run started, as long as that still says what the run holds: it is forgotten as soon
 * as another run that may lie on the device starts, is ready, stops or is gone. Keeps the phases of the runs for that.
 * Must never keep a figure that another run may have changed.
 */

import type { TurnoutEvent } from '../../events.ts';
import type { RunId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';

/** `gone`: nothing of it is left. */
export type RunPhase = 'starting' | 'ready' | 'stopping' | 'gone';

interface KnownRun {
  phase: Exclude<RunPhase, 'gone'>;
  /** When it started; a run that was taken over has no `before`, so that it does not matter there. */
  since: number;
  /** Devices on which it may lie; null = any. */
  lies: readonly string[] | null;
  before: Map<string, number>;
}

interface Change {
  at: number;
  run: RunId;
  lies: readonly string[] | null;
}

export interface Baselines {
  /** `lies`: devices on which the run may lie, as its model declares; null = any. */
  changed(run: RunId, phase: RunPhase, lies: readonly string[] | null, now: number): void;
  /** To be called before a look at the devices; `looked` must follow, with this mark. */
  mark(): number;
  /** `used` is empty when nothing was seen. */
  looked(used: ReadonlyMap<string, number>, mark: number, now: number): void;
  before(run: RunId): ReadonlyMap<string, number>;
  anyAlive(): boolean;
  /** Runs that are ready, and were so at the mark. */
  readySince(mark: number): RunId[];
  /** The names of the devices mean other devices from now on. */
  forget(): void;
}

export function createBaselines(): Baselines {
  const runs = new Map<RunId, KnownRun>();
  /** Changes since the look began whose figures may still be used, or whose figures are still to come. */
  let changes: Change[] = [];
  let counter = 0;
  let isLooking = false;
  let last: { used: ReadonlyMap<string, number>; mark: number; at: number } | null = null;

  /** Whether the figure of this device, seen after `mark`, is what it held before `run` took anything. */
  const isClean = (device: string, run: RunId, mark: number): boolean => {
    for (const [other, { phase, lies }] of runs) {
      if (other !== run && phase !== 'ready' && mayLie(lies, device)) return false;
    }
    return !changes.some((change) => change.at > mark && change.run !== run && mayLie(change.lies, device));
  };

  const giveBefore = (id: RunId, run: KnownRun, used: ReadonlyMap<string, number>, mark: number): void => {
    for (const [device, bytes] of used) if (isClean(device, id, mark)) run.before.set(device, bytes);
  };

  return {
    changed(id, phase, lies, now) {
      const known = runs.get(id);
      if (known?.phase === phase) return;
      if (last !== null && now - last.at > LIMITS.deviceBaselineFreshMs) last = null;
      if (last === null && !isLooking) changes = [];
      changes.push({ at: ++counter, run: id, lies });
      for (const [other, { before }] of runs) {
        if (other === id) continue;
        for (const device of before.keys()) if (mayLie(lies, device)) before.delete(device);
      }
      if (phase === 'gone') runs.delete(id);
      else if (known !== undefined) known.phase = phase;
      else {
        const run: KnownRun = { phase, since: now, lies, before: new Map() };
        runs.set(id, run);
        if (phase === 'starting' && last !== null) giveBefore(id, run, last.used, last.mark);
      }
    },
    mark() {
      isLooking = true;
      return counter;
    },
    looked(used, mark, now) {
      for (const [id, run] of runs) {
        if (run.phase === 'starting' && now - run.since <= LIMITS.deviceBaselineStartMs)
          giveBefore(id, run, used, mark);
      }
      last = { used, mark, at: now };
      isLooking = false;
      changes = changes.filter(({ at }) => at > mark);
    },
    before: (run) => runs.get(run)?.before ?? new Map(),
    anyAlive: () => runs.size > 0,
    readySince(mark) {
      const moved = new Set(changes.filter(({ at }) => at > mark).map(({ run }) => run));
      return [...runs].flatMap(([id, { phase }]) => (phase === 'ready' && !moved.has(id) ? [id] : []));
    },
    forget() {
      last = null;
      for (const { before } of runs.values()) before.clear();
    },
  };
}

/** What an event says of the phase of a run; null when it says nothing. */
export function phaseOf(event: TurnoutEvent): { run: RunId; phase: RunPhase } | null {
  switch (event.type) {
    case 'process.starting':
      return { run: event.position as RunId, phase: 'starting' };
    case 'process.ready':
      return { run: event.data.run, phase: 'ready' };
    case 'process.stopping':
      return { run: event.data.run, phase: 'stopping' };
    case 'process.exited':
      return { run: event.data.run, phase: 'gone' };
    default:
      return null;
  }
}

/** Every program takes some of the machine's memory, declared or not. */
function mayLie(lies: readonly string[] | null, device: string): boolean {
  return device === 'ram' || lies === null || lies.includes(device);
}
