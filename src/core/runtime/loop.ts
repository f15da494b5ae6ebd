/**
 * The loop: one mailbox, one input at a time, never waiting. An input becomes events, events are appended and folded at
 * once, effects follow: those on requests immediately, those on processes when their event is durable. The only place
 * that calls evolve on the live state.
 */

import { nextDeadline } from '../deadlines.ts';
import { decide } from '../decide.ts';
import { type Effect, effectsOf, waitsForDurability } from '../effects.ts';
import { type Draft, type EventType, type TurnoutEvent, VERSION } from '../events.ts';
import { evolve } from '../evolve.ts';
import type { Input } from '../inputs.ts';
import { checkEvent, stalledTarget } from '../invariants.ts';
import { LIMITS } from '../limits.ts';
import type { EventLog } from '../log/log.ts';
import { settle } from '../settle.ts';
import type { State } from '../state.ts';
import { type AskingPorts, createAsking, type PlannerSeat } from './asking.ts';
import type { Clock } from './clock.ts';
import { createOutbox } from './outbox.ts';

export interface LoopPorts {
  /** The folded state; the loop owns it from here on. */
  state: State;
  log: EventLog;
  clock: Clock;
  /** The planner of the settings in force; asked anew after every change of the configuration. */
  seat(state: Readonly<State>): PlannerSeat;
  perform(effect: Effect): void;
  /** Called with each batch once it is folded (not yet durable): for the shell's own bookkeeping only. */
  onEvents(events: readonly TurnoutEvent[]): void;
  /** A broken invariant: a defect of turnout, reported and survived. */
  onBroken(violation: string): void;
  after(ms: number, then: () => void): () => void;
  answered?: AskingPorts['answered'];
  /** Leaves out the check of each event: for simulations of millions of events, whose kernel is checked elsewhere. */
  unchecked?: boolean;
}

export interface Loop {
  readonly state: Readonly<State>;
  post(input: Input): void;
  /** What the planner was asked, for checks and for `/api/health`. */
  asked: ReturnType<typeof createAsking>['asked'];
  questionOutstanding(): boolean;
  heldEffects(): number;
  close(): void;
}

/** Events that are committed at once because an effect on the world waits for them, or because they are rare. */
const URGENT: ReadonlySet<EventType> = new Set<EventType>([
  'router.started',
  'router.draining',
  'router.stopped',
  'config.applied',
  'swap.started',
  'swap.draining',
  'process.starting',
  'process.spawned',
  'process.stopping',
  'process.killed',
  'process.exited',
  'model.backed-off',
  'unload.requested',
]);

/** Events after which another planner may be in charge. */
const SEATS: ReadonlySet<EventType> = new Set<EventType>([
  'config.applied',
  'policy.loaded',
  'policy.disabled',
  'policy.unloaded',
]);

/** Bounds on one turn of the loop: reaching one is a defect, which must be seen and must not spin. */
const SETTLE_ROUNDS_MAX = 10_000;
const QUESTIONS_PER_TURN_MAX = 1_000;

export function createLoop(ports: LoopPorts): Loop {
  const { state, log, clock } = ports;
  const mailbox: Input[] = [];
  const outbox = createOutbox(ports.perform);
  let running = false;
  let closed = false;
  let seat = ports.seat(state);
  /** Everything that was due until then has been dealt with. */
  let settledAt = 0;
  let lastWake = Number.NEGATIVE_INFINITY;
  let armedFor = Number.POSITIVE_INFINITY;

  const { after, answered } = ports;
  const asking = createAsking({
    state,
    seat: () => seat,
    post,
    after,
    ...(answered === undefined ? {} : { answered }),
  });
  const stopListening = log.onDurable((durable) => outbox.release(durable));

  /** Gives drafts their place and time, folds them, hands them to the log, and orders what follows. */
  function commit(drafts: readonly Draft[], now: number): void {
    const events: TurnoutEvent[] = [];
    let urgent = false;
    for (const draft of drafts) {
      const event = { ...draft, position: state.position + 1, at: now, version: VERSION[draft.type] } as TurnoutEvent;
      if (ports.unchecked !== true) {
        for (const violation of checkEvent(state, event, seat.fallback)) ports.onBroken(violation);
      }
      evolve(state, event);
      if (SEATS.has(event.type)) seat = ports.seat(state);
      urgent ||= URGENT.has(event.type);
      events.push(event);
    }
    log.append(events, urgent);
    ports.onEvents(events);
    for (const event of events) order(event);
  }

  function order(event: TurnoutEvent): void {
    const effect = effectsOf(event);
    if (effect === null) return;
    if (waitsForDurability(effect) && log.durable < event.position && !logIsNoObstacle(effect)) {
      outbox.add(event.position, effect);
    } else {
      ports.perform(effect);
    }
  }

  /** With `serve` the log never stops the work; stops never wait for a log in trouble (kernel section 7). */
  function logIsNoObstacle(effect: Effect): boolean {
    return state.logTroubled !== null && (state.settings.onTrouble === 'serve' || effect.type !== 'startProcess');
  }

  function handle(input: Input): void {
    const now = Math.max(clock.now(), state.at);
    settledAt = now;
    const drafts = decide(state, input, now, seat.fallback);
    if (drafts.length > 0) commit(drafts, now);
    if (state.logTroubled !== null) outbox.releaseWhere(logIsNoObstacle);
    // the configuration comes next: by the one before, an adopted run may seem stale or expired
    if (input.type === 'router.boot') return;
    for (let round = 0; ; round++) {
      const more = settle(state, now, seat.fallback);
      if (more.length === 0) return;
      if (round >= SETTLE_ROUNDS_MAX) return ports.onBroken(`no end to what follows from "${input.type}"`);
      commit(more, now);
    }
  }

  function work(): void {
    running = true;
    try {
      // What was due comes before what came later, also where the timer is late: else chance would say which of them is
      // first, and nobody could play it again.
      if (armedFor <= clock.now()) {
        const later = mailbox.splice(0, mailbox.length, { type: 'clock.reached' });
        onDue();
        handleAll();
        mailbox.push(...later);
      }
      handleAll();
      if (!asking.outstanding()) repairStall();
    } finally {
      running = false;
    }
    arm();
  }

  /** Until nothing is left to handle or to ask. */
  function handleAll(): void {
    for (let questions = 0; ; questions++) {
      for (let input = mailbox.shift(); input !== undefined; input = mailbox.shift()) handle(input);
      if (questions >= QUESTIONS_PER_TURN_MAX) {
        return ports.onBroken(`no end to the planner's questions at position ${state.position}`);
      }
      if (!asking.askNext(Math.max(clock.now(), state.at)) && mailbox.length === 0) return;
    }
  }

  function post(input: Input): void {
    if (closed) return;
    mailbox.push(input);
    if (!running) work();
  }

  /** Invariant 5: a request that waits on nothing is reported, and its model is asked about again. */
  function repairStall(): void {
    const stalled = stalledTarget(state, asking.asked);
    if (stalled === null) return;
    const what = `requests for ${stalled.id} waited on nothing`;
    ports.onBroken(what);
    commit(
      [{ type: 'stall.detected', model: stalled.id, data: { what, repaired: true } }],
      Math.max(clock.now(), state.at),
    );
    mailbox.push({ type: 'clock.reached' });
    for (let input = mailbox.shift(); input !== undefined; input = mailbox.shift()) handle(input);
    asking.askNext(clock.now());
  }

  function onDue(): void {
    lastWake = clock.now();
    armedFor = Number.POSITIVE_INFINITY;
  }

  /** Re-armed only for something earlier; a deadline that stays in the past costs four wake-ups a second, never a spin. */
  function arm(): void {
    const due = nextDeadline(state, asking.asked, settledAt);
    if (due === null || closed) return;
    const at = due <= lastWake ? lastWake + LIMITS.waitMinMs : due;
    if (at >= armedFor) return;
    armedFor = at;
    clock.wakeAt(at, () => {
      onDue();
      post({ type: 'clock.reached' });
    });
  }

  clock.onStep((byMs) => post({ type: 'clock.stepped', byMs }));

  return {
    state,
    post,
    asked: asking.asked,
    questionOutstanding: asking.outstanding,
    heldEffects: outbox.size,
    close() {
      closed = true;
      stopListening();
      clock.close();
    },
  };
}
