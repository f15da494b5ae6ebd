/**
 * Plays a slice under a contender: the real loop in virtual time, on the recorded arrivals, with processes and clients that
 * take as long as they took. Must never read a clock, nor leave anything to chance.
 */
import type { Effect } from '../../effects.ts';
import type { TurnoutEvent } from '../../events.ts';
import { type Position, requestKey } from '../../ids.ts';
import type { Input } from '../../inputs.ts';
import type { PlannerSeat } from '../../runtime/asking.ts';
import type { Clock } from '../../runtime/clock.ts';
import { createLoop, type Loop } from '../../runtime/loop.ts';
import type { BuiltInName } from '../../settings.ts';
import type { State } from '../../state.ts';
import type { MakeBuiltIn } from '../verify/decisions.ts';
import { type Contender, changed, changesNothing } from './contender.ts';
import { durationsOf, type Guesses } from './durations.ts';
import { createSimClients } from './sim-clients.ts';
import { createLooks } from './sim-devices.ts';
import { createSimLog } from './sim-log.ts';
import { createPolicySeat, type PolicySeat } from './sim-policy-seat.ts';
import { createSimProcesses } from './sim-processes.ts';
import { createWakes } from './sim-wakes.ts';
import { type Course, tally } from './tally.ts';
import { createTimeline } from './timeline.ts';
import { type RecordedInput, type Trace, thoughtKey } from './trace.ts';

export interface PlayPorts {
  trace: Trace;
  /** As the log has it before the slice; the play owns it. */
  state: State;
  contender: Contender;
  makeBuiltIn: MakeBuiltIn;
  /** In place of the recorded seed of policies' chance. */
  seed?: number;
  signal?: AbortSignal;
  /** Share of the slice that is behind. */
  onProgress?(share: number): void;
  /** For onlookers: everything that happens. */
  onEvents?(events: readonly TurnoutEvent[]): void;
  /** Awaited now and then, for onlookers that cannot keep up. */
  pause?(): Promise<void>;
}

export interface Played extends Course {
  events: number;
  /** Virtual moments after each other: what a defect of turnout would say. */
  broken: string[];
  guesses: Guesses;
}

/** What is later than this belongs to another course of events. */
const THOUGHT_MAX_MS = 100;
/** A report of a request that nobody knows: the loop looks around and arms its timer. */
const NOTHING: Input = { type: 'http.gone', request: requestKey(0), status: null, bytes: 0 };
/** Between two looks at whether it is to stop. */
const STEPS_IN_ONE_GO = 2_000;

/** Rejects when `signal` aborts. */
export async function play(ports: PlayPorts): Promise<Played> {
  const { trace, state, contender } = ports;
  const began = state.position;
  const timeline = createTimeline(Math.max(state.at, trace.startsAt));
  const course = tally(state);
  const durations = durationsOf(trace);
  const broken: string[] = [];
  let loop: Loop;
  /** It stopped: what it left behind is nobody's until the next start. Its log may still have something to say. */
  let over = false;
  const post = (input: Input) => {
    if (!over) loop.post(input);
  };
  const seat = contender.policy === null ? null : createPolicySeat(contender.policy, state, post);
  const processes = createSimProcesses(timeline, durations, post);
  const clients = createSimClients(timeline, trace.requests, durations, post);
  const looks = createLooks({ timeline, state, trace, changes: contender.changes, post });
  const wakes = createWakes(timeline, trace, state);
  if (ports.seed !== undefined) state.seed = ports.seed;

  function perform(effect: Effect): void {
    if (effect.type === 'startProcess') processes.start(effect.run, effect.model);
    else if (effect.type === 'stopProcess') processes.stop(effect.run, effect.model);
    else if (effect.type === 'killProcess') processes.kill(effect.run);
  }

  function onEvents(events: readonly TurnoutEvent[]): void {
    for (const event of events) {
      course.take(event);
      clients.observe(event);
      looks.observe(event);
      if (event.type === 'router.stopped') over = true;
    }
    seat?.observe(events);
    ports.onEvents?.(events);
  }

  /** A built-in planner answers when it had answered: turnout's own thinking takes a millisecond here and there. */
  function thinking(now: PlannerSeat): PlannerSeat {
    if (now.planner !== null || trace.thoughts.size === 0) return now;
    const { fallback } = now;
    const plan: typeof fallback.plan = (view, hints) => {
      const verdict = fallback.plan(view, hints);
      const at = trace.thoughts.get(thoughtKey(view.position, view.target));
      if (at !== undefined && at - timeline.now() <= THOUGHT_MAX_MS) timeline.moveTo(at);
      return verdict;
    };
    return { ...now, fallback: { ...fallback, plan } };
  }

  const awake = (clock: Clock): Clock => ({
    ...clock,
    wakeAt: (at, wake) =>
      clock.wakeAt(at, () => {
        if (!over) wake();
      }),
  });

  const newLoop = (): Loop =>
    createLoop({
      state,
      log: createSimLog(),
      clock: awake(wakes.clock()),
      seat: (now) => thinking(seatOf(now, ports.makeBuiltIn, seat)),
      perform,
      onEvents,
      onBroken: (violation) => broken.push(violation),
      after: (ms, then) => timeline.at(timeline.now() + ms, Number.POSITIVE_INFINITY, then),
      unchecked: true,
    });

  async function settled(): Promise<void> {
    while (loop.questionOutstanding()) await seat?.settled();
  }

  async function report(recorded: RecordedInput): Promise<void> {
    switch (recorded.kind) {
      case 'death':
        return loop.close();
      case 'boot': {
        loop.close();
        loop = newLoop();
        over = false;
        const { started } = recorded.input;
        const children = processes.found(state, recorded.survivors);
        post({ ...recorded.input, children, started: { ...started, seed: ports.seed ?? started.seed } });
        return processes.adopted(state);
      }
      case 'policy':
        return contender.brought || contender.changes.planner !== undefined
          ? undefined
          : seat?.take(recorded.loaded, false);
      case 'devices':
        return looks.sample(recorded.devices, recorded.held);
      case 'input':
        return reportInput(recorded.input);
    }
  }

  async function reportInput(input: Input): Promise<void> {
    if (input.type === 'config.loaded') {
      const before = modelsOf(state);
      post({ ...input, settings: changed(input.settings, contender.changes) });
      // its options may name models; a new start has none loaded
      if (contender.brought && (!state.policies.has('live') || before !== modelsOf(state)))
        await seat?.take(null, false);
    } else if (input.type !== 'policy.unloaded' || !contender.brought) loop.post(input);
  }

  async function begin(): Promise<void> {
    processes.resume(state);
    clients.resume(state);
    for (const model of state.models.values()) {
      const { blocked, pending } = model;
      if (pending === null && (blocked === null || blocked.on === 'planner')) continue;
      loop.asked.set(model.id, { epoch: state.planEpoch, at: blocked?.at ?? state.at });
    }
    if (state.configHash === '') return;
    post(NOTHING);
    if (!changesNothing(contender.changes)) {
      const settings = changed(state.settings, contender.changes);
      post({ type: 'config.loaded', hash: state.configHash, trigger: 'reload', settings });
    }
    const known = state.policies.get('live');
    if (contender.brought) {
      if (known !== undefined) post({ type: 'policy.unloaded', slot: 'live' });
      await seat?.take(null, false);
    } else if (known !== undefined && contender.changes.planner === undefined) {
      const { slot, file, name, sourceHash, optionsHash, hooks } = known;
      await seat?.take({ slot, file, name, sourceHash, optionsHash, hooks }, true);
      loop.close();
      loop = newLoop();
    }
  }

  loop = newLoop();
  await begin();
  await settled();
  let next = 0;
  for (let steps = 1; ; steps++) {
    if (steps % STEPS_IN_ONE_GO === 0) {
      ports.signal?.throwIfAborted();
      ports.onProgress?.((timeline.now() - trace.startsAt) / Math.max(1, trace.endsAt - trace.startsAt));
      await ports.pause?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const recorded = trace.inputs[next];
    const due = timeline.next();
    const isRecorded = recorded !== undefined && (due === null || isBefore(recorded, due));
    if (isRecorded) {
      next++;
      timeline.moveTo(recorded.at);
      const reported = report(recorded);
      if (seat !== null) await reported;
    } else if (due !== null && due.at <= trace.endsAt) timeline.step();
    else break;
    if (seat !== null) await settled();
  }
  loop.close();
  return { ...course.close(trace.endsAt), events: state.position - began, broken, guesses: durations.guesses };
}

const isBefore = (a: { at: number; key: Position }, b: { at: number; key: number }): boolean =>
  a.at !== b.at ? a.at < b.at : a.key < b.key;

const modelsOf = (state: Readonly<State>): string => state.settings.models.map(({ id }) => id).join('\n');

/** As the kernel seats its planners. */
function seatOf(now: Readonly<State>, makeBuiltIn: MakeBuiltIn, policies: PolicySeat | null): PlannerSeat {
  const models = [...now.models.values()].map((model) => model.settings);
  const builtIn = (name: BuiltInName) => makeBuiltIn(name, { ...now.settings, models }, now);
  const fallback = builtIn(now.settings.fallback);
  const seat = { name: fallback.name, version: fallback.version, planner: null, fallback, builtIn };
  const planner = policies?.planner() ?? null;
  const policy = now.policies.get('live');
  if (planner === null || policy === undefined) return seat;
  const { name, sourceHash, optionsHash } = policy;
  return { ...seat, name, version: '1', sourceHash, optionsHash, planner };
}
