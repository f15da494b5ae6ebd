/**
 * The real loop with the world in the test's hands: time moves when told, processes become ready or exit when told. Reads
 * as given / when / then: `const k = kernel({...}); k.request('a'); expect(k.news()).toEqual([...])`.
 */

import type { ChildFound } from '../../src/core/adoption.ts';
import { canonical } from '../../src/core/canonical.ts';
import type { ModelConfig } from '../../src/core/config/config.ts';
import type { Effect } from '../../src/core/effects.ts';
import type { EventType, PolicyVerdict, TurnoutEvent } from '../../src/core/events.ts';
import { emptyState, evolve, fold } from '../../src/core/evolve.ts';
import { modelId, type RunId, requestId } from '../../src/core/ids.ts';
import { checkState } from '../../src/core/invariants.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { EventLog } from '../../src/core/log/log.ts';
import type { PlannerSeat } from '../../src/core/runtime/asking.ts';
import type { Clock } from '../../src/core/runtime/clock.ts';
import { createLoop } from '../../src/core/runtime/loop.ts';
import { previewPlan } from '../../src/core/runtime/preview.ts';
import type { Ticket } from '../../src/core/runtime/router.ts';
import { createTickets } from '../../src/core/runtime/tickets.ts';
import type { BuiltInName, GroupSettings, ModelSettings, Settings } from '../../src/core/settings.ts';
import type { State } from '../../src/core/state.ts';
import type { View } from '../../src/core/view.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';

export type GroupSpec = Partial<Omit<GroupSettings, 'id'>> & { members: string[] };

export interface KernelSpec {
  groups?: Record<string, GroupSpec>;
  models?: Record<string, Partial<ModelSettings>>;
  settings?: Partial<Settings>;
  /** Takes the planner's place; the group planner stays the fallback. */
  plan?: (view: View) => PolicyVerdict | Promise<PolicyVerdict>;
}

/** Settings in which every model of the groups, and those named in `models`, exists; two in one swap group by default. */
export function settingsFor(spec: KernelSpec): Settings {
  const groups = spec.groups ?? { g: { members: ['a', 'b', 'c'] } };
  const ids = new Set([...Object.values(groups).flatMap((group) => group.members), ...Object.keys(spec.models ?? {})]);
  const models = [...ids].map((id): ModelSettings => {
    const group = Object.entries(groups).find(([, one]) => one.members.includes(id))?.[0] ?? '(default)';
    return {
      id: modelId(id),
      group,
      concurrencyLimit: LIMITS.concurrencyDefault,
      ttlMs: 0,
      stopGraceMs: 10_000,
      startTimeoutMs: 120_000,
      minResidencyMs: 0,
      priority: 0,
      port: null,
      specDigest: id,
      memory: null,
      tags: [],
      context: 0,
      keepWarm: [],
      onDemand: { action: 'load' },
      ...spec.models?.[id],
    };
  });
  const named = Object.entries(groups).map(([id, { swap = true, exclusive = true, persistent = false }]) => {
    return { id, swap, exclusive, persistent };
  });
  return {
    ...emptyState().settings,
    models,
    groups: [...named, { id: '(default)', swap: true, exclusive: true, persistent: false }],
    antiThrash: false,
    ...spec.settings,
  };
}

export function kernel(spec: KernelSpec = {}, earlier: TurnoutEvent[] = []) {
  const settings = settingsFor(spec);
  let time = 1_000_000;
  let wake: { at: number; call: () => void } | null = null;
  let durable = earlier.length;
  let holdDurable = false;
  let durableListener: (durable: number) => void = () => {};
  const events: TurnoutEvent[] = [...earlier];
  const effects: Effect[] = [];
  const broken: string[] = [];
  const timers: { at: number; then: () => void }[] = [];
  let seen = earlier.length;
  let requests = 0;

  const clock: Clock = {
    now: () => time,
    wakeAt: (at, call) => {
      wake = { at, call };
    },
    onStep: () => {},
    close: () => {},
  };
  const log = {
    get durable() {
      return durable;
    },
    append(batch: readonly TurnoutEvent[]) {
      events.push(...batch.map((event) => JSON.parse(JSON.stringify(event)) as TurnoutEvent));
      if (!holdDurable) durable = events.length;
    },
    onDurable(listener: (durable: number) => void) {
      durableListener = listener;
      return () => {};
    },
  } as unknown as EventLog;

  const tickets = createTickets((input) => loop.post(input));
  const state = emptyState();
  for (const event of earlier) evolve(state, event);
  const seat = (now: Readonly<State>): PlannerSeat => {
    const built = (name: BuiltInName) => builtInPlanner(name, now.settings, now);
    const fallback = built(now.settings.fallback);
    const planner = spec.plan === undefined ? null : { plan: spec.plan };
    return {
      name: spec.plan === undefined ? fallback.name : 'test',
      version: '1',
      planner,
      fallback,
      builtIn: built,
    };
  };
  const loop = createLoop({
    state,
    log,
    clock,
    seat,
    perform(effect) {
      effects.push(effect);
      if (effect.type === 'forward') {
        const grant = { granted: true as const, run: effect.run, baseUrl: 'x', model: {} as ModelConfig };
        tickets.settle(effect.request, grant);
      } else if (effect.type === 'refuse') {
        const { status, code, reason: message, retryAfterSec } = effect;
        tickets.settle(effect.request, { granted: false, status, code, message, retryAfterSec });
      }
    },
    onEvents: (batch) => batch.forEach(tickets.observe),
    onBroken: (violation) => broken.push(violation),
    after(ms, then) {
      const timer = { at: time + ms, then };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
  });

  const runOf = (model: string): RunId => {
    const run = loop.state.models.get(modelId(model))?.run;
    if (run == null) throw new Error(`${model} has no live run`);
    return run.run;
  };

  const k = {
    loop,
    events,
    effects,
    broken,
    state: loop.state,
    boot(children: readonly ChildFound[] = []) {
      const started = { instance: 't', pid: 1, version: '0', node: '0', bootId: 'b', seed: 7, unfinished: null };
      loop.post({ type: 'router.boot', started, replaced: null, children });
      loop.post({ type: 'config.loaded', hash: 'h', trigger: 'start', settings });
      return k;
    },
    request(model: string | null, more: { kind?: 'inference' | 'load'; id?: string; client?: string } = {}): Ticket {
      return tickets.admit({
        id: requestId(more.id ?? `r${++requests}`),
        kind: more.kind ?? 'inference',
        model: model === null ? null : modelId(model),
        asked: model ?? 'nobody',
        client: more.client ?? 'test',
        session: null,
        method: 'POST',
        endpoint: '/v1/chat/completions',
        bytes: 1,
        streaming: false,
      });
    },
    finish(ticket: Ticket) {
      ticket.finish({ outcome: 'ok', status: 200, bytes: 1, firstByteMs: 1, usage: null, error: null });
    },
    leave: (ticket: Ticket) => ticket.leave({ status: null, bytes: 0 }),
    spawned(model: string) {
      loop.post({ type: 'child.spawned', run: runOf(model), pid: 1, startTime: '1', bootId: 'b' });
    },
    ready(model: string) {
      loop.post({ type: 'child.ready', run: runOf(model), baseUrl: 'http://x' });
    },
    exited(model: string, code: number | null = 0, tail: string[] = []) {
      const by = 'itself' as const;
      loop.post({ type: 'child.exited', run: runOf(model), code, signal: null, by, detail: null, tail });
    },
    /** Asks for a model and brings it up: the shortest way to "it is ready and serves this request". */
    serve(model: string): Ticket {
      const ticket = k.request(model);
      k.ready(model);
      return ticket;
    },
    /** Moves time on, firing what becomes due on the way. */
    pass(ms: number) {
      const end = time + ms;
      for (let n = 0; n < 10_000; n++) {
        const due = [...timers].sort((a, b) => a.at - b.at)[0];
        const next = Math.min(wake?.at ?? Number.POSITIVE_INFINITY, due?.at ?? Number.POSITIVE_INFINITY);
        if (next > end) break;
        time = Math.max(time, next);
        if (due !== undefined && due.at === next) {
          timers.splice(timers.indexOf(due), 1);
          due.then();
        } else if (wake !== null) {
          const { call } = wake;
          wake = null;
          call();
        }
      }
      time = end;
    },
    /** Moves time on while the timer of the loop, due or not, does not fire: the machine is busy. */
    late(ms: number) {
      time += ms;
    },
    /** Holds commits back, so that nothing becomes durable. */
    holdDurability: () => {
      holdDurable = true;
    },
    makeDurable() {
      durable = events.length;
      durableListener(durable);
    },
    now: () => time,
    /** A dry run: what a request for this model would lead to. */
    preview: (model: string) => previewPlan(loop.state, seat(loop.state), modelId(model), time),
    phase: (model: string) => loop.state.models.get(modelId(model))?.run?.phase ?? 'stopped',
    /** What was written since the last call, as "type model". */
    news(...only: EventType[]): string[] {
      const fresh = events.slice(seen);
      seen = events.length;
      return fresh
        .filter((event) => only.length === 0 || only.includes(event.type))
        .map((event) => (event.model === undefined ? event.type : `${event.type} ${event.model}`));
    },
    all: <T extends EventType>(type: T) =>
      events.filter((event): event is Extract<TurnoutEvent, { type: T }> => event.type === type),
    /** Everything that must hold at rest. */
    check(): string[] {
      const live = canonical(loop.state);
      const folded = canonical(fold(events));
      return [...broken, ...checkState(loop.state, loop.asked), ...(live === folded ? [] : ['fold differs from live'])];
    },
  };
  return k;
}
