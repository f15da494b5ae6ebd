/**
 * Looks at the memory devices while runs are alive, and says what they hold and which run holds what of it. Nothing waits
 * for it: a tool that hangs or answers nonsense costs its figures and one warning.
 * Must never have two looks under way, and never look when nothing is alive and nobody asks.
 */

import type { RunId } from '../../ids.ts';
import type { DeviceSample } from '../../inputs.ts';
import { LIMITS } from '../../limits.ts';
import { createAttempts, realSamplerClock, type SamplerClock } from './attempts.ts';
import { attribute, type ObservedDevice, type ObservedRun } from './attribution.ts';
import { createBaselines, type RunPhase } from './baselines.ts';
import { createInventory } from './inventory.ts';
import type { DeviceSource, FamilyMember } from './look.ts';

export interface Sample {
  devices: DeviceSample[];
  /** Only runs that could be told apart; each with every configured device. */
  runs: { run: RunId; bytes: Record<string, number> }[];
}

export interface SamplerOptions {
  /** Names of `turnout.devices` now. Without any nothing is looked at. */
  devices(): readonly string[];
  sources: readonly DeviceSource[];
  /** The living processes of each run. */
  families(): Promise<ReadonlyMap<RunId, readonly FamilyMember[]>>;
  /** True while something waits for what the next sample says. */
  urgent(): boolean;
  onSample(sample: Sample): void;
  onWarning(text: string): void;
  clock?: SamplerClock;
}

export interface DeviceSampler {
  start(): void;
  /** Tells that a run is in another phase. `lies`: devices on which it may lie; null = any. */
  changed(run: RunId, phase: RunPhase, lies: readonly string[] | null): void;
  /** Asks for a look at once; for when `urgent` has become true. */
  soon(): void;
  /** Looks, or joins the look under way; null when nothing could be seen. Posts the sample too. */
  now(): Promise<DeviceSample[] | null>;
  /** Ends tools that are under way; nothing is posted any more. */
  close(): void;
}

export function createDeviceSampler(options: SamplerOptions): DeviceSampler {
  const clock = options.clock ?? realSamplerClock;
  const attempts = createAttempts(clock, options.onWarning);
  const inventory = createInventory(options.sources, attempts);
  const baselines = createBaselines();
  let state: 'new' | 'started' | 'closed' = 'new';
  let underWay: Promise<DeviceSample[] | null> | null = null;
  let askedAgain = false;
  let hasFailed = false;
  let beganAt = Number.NEGATIVE_INFINITY;
  let readyAt = Number.NEGATIVE_INFINITY;
  let cancelTimer = () => {};

  const look = (): Promise<DeviceSample[] | null> => {
    cancelTimer();
    beganAt = clock.now();
    askedAgain = false;
    underWay = lookOnce().finally(() => {
      underWay = null;
      schedule();
    });
    return underWay;
  };

  async function lookOnce(): Promise<DeviceSample[] | null> {
    const configured = options.devices();
    const mark = baselines.mark();
    let used = new Map<string, number>();
    try {
      const ready = baselines.readySince(mark);
      const families = configured.length === 0 || ready.length === 0 ? null : await familiesNow();
      const pids = ready.flatMap((run) => families?.get(run)?.map(({ pid }) => pid) ?? []);
      const seen = await inventory.look(configured, pids);
      if (seen.renamed) baselines.forget();
      if (seen.devices.length === 0 || state === 'closed') return null;
      used = new Map(seen.devices.map(({ id, usedBytes }) => [id, usedBytes]));
      const still = families === null ? [] : baselines.readySince(mark).filter((run) => ready.includes(run));
      const runs = still.map(
        (run): ObservedRun => ({
          run,
          family: families?.get(run) ?? [],
          before: baselines.before(run),
        }),
      );
      const devices = seen.devices.map(({ id, totalBytes, usedBytes }) => ({ id, totalBytes, usedBytes }));
      options.onSample({ devices, runs: attribute(configured, seen.devices satisfies ObservedDevice[], runs) });
      return devices;
    } catch (error) {
      // a defect, here or in whoever takes the samples: turnout goes on without them
      if (!hasFailed) options.onWarning(`cannot sample the devices: ${(error as Error).message}`);
      hasFailed = true;
      return null;
    } finally {
      baselines.looked(used, mark, clock.now());
    }
  }

  const familiesNow = () => attempts.ask('the table of processes', async () => ({ value: await options.families() }));

  const isUrgent = (): boolean =>
    options.urgent() || (baselines.anyAlive() && clock.now() - readyAt <= LIMITS.deviceReadyUrgentMs);

  /** When the next look is due; Infinity when none is. */
  function dueAt(): number {
    if (options.devices().length === 0) return Number.POSITIVE_INFINITY;
    if (askedAgain) return beganAt + LIMITS.deviceSampleGapMs;
    if (isUrgent()) return beganAt + LIMITS.deviceSampleUrgentMs;
    return baselines.anyAlive() ? beganAt + LIMITS.deviceSampleMs : Number.POSITIVE_INFINITY;
  }

  function schedule(): void {
    cancelTimer();
    if (state !== 'started' || underWay !== null) return;
    const due = dueAt();
    if (due === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(Math.max(0, due - clock.now()), () => void look());
  }

  function soon(): void {
    askedAgain = true;
    schedule();
  }

  return {
    start() {
      if (state === 'new') state = 'started';
      schedule();
    },
    changed(run, phase, lies) {
      baselines.changed(run, phase, lies, clock.now());
      if (phase === 'ready') readyAt = clock.now();
      // what it was before a start, what it is after a load, what was given back after an end
      if (phase !== 'stopping') soon();
    },
    soon,
    now: () => (state === 'closed' ? Promise.resolve(null) : (underWay ?? look())),
    close() {
      state = 'closed';
      cancelTimer();
      attempts.close();
    },
  };
}
