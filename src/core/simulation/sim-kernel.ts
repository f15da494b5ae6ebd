/** The real loop, performer and tickets on simulated ground: what kernel.ts puts together, in virtual time. */
import { type ChildFound, whyNotAdopted } from '../adoption.ts';
import type { ModelConfig } from '../config/config.ts';
import { owed } from '../effects.ts';
import type { TurnoutEvent } from '../events.ts';
import { emptyState, evolve } from '../evolve.ts';
import type { BuiltInPlanner, Planner } from '../plan.ts';
import { createLoop, type Loop } from '../runtime/loop.ts';
import { createPerformer } from '../runtime/perform.ts';
import { createTickets, type Tickets } from '../runtime/tickets.ts';
import type { BuiltInName, Settings } from '../settings.ts';
import type { State } from '../state.ts';
import { type Scheduler, virtualClock, type WallClock } from './scheduler.ts';
import type { SimLog } from './sim-log.ts';
import type { SimRuntime } from './sim-runtime.ts';

export interface KernelUnderTest {
  loop: Loop;
  tickets: Tickets;
  exited(): boolean;
  /** Effects that the state says should be under way, but that were neither ordered nor are held back. */
  forgotten(): string[];
  /** Gone without a word, as by SIGKILL. */
  die(): void;
}

export interface KernelPorts {
  scheduler: Scheduler;
  log: SimLog;
  runtime: SimRuntime;
  settings: Settings;
  seed: number;
  /** Whether children may be adopted; default: true. */
  adopt?: boolean;
  wall: WallClock;
  builtIn(name: BuiltInName, settings: Settings, state: Readonly<State>): BuiltInPlanner;
  /** Decides in the built-in's place; null = the built-in decides itself. */
  planner(real: BuiltInPlanner): Planner | null;
  /** A ticket was granted or refused. */
  onSettled(): void;
  onBroken(violation: string): void;
}

export function bootKernel(ports: KernelPorts): KernelUnderTest {
  const { scheduler, log, runtime, settings, onBroken } = ports;
  const state: State = emptyState();
  for (const text of log.stored) evolve(state, JSON.parse(text) as TurnoutEvent);
  let exited = false;
  let dead = false;
  let loop: Loop;
  const post: Loop['post'] = (input) => {
    if (!dead) loop.post(input);
  };
  const ordered = new Set<string>();
  const real = createTickets(post);
  const tickets: Tickets = {
    ...real,
    settle(request, grant) {
      real.settle(request, grant);
      ports.onSettled();
    },
  };
  const performer = createPerformer({
    runtime,
    tickets,
    redact: (text) => text,
    post,
    onWarning: onBroken,
    launchSpec({ run, model, port, logFile, specDigest }) {
      const durable = log.durable >= run || log.status().state === 'troubled';
      if (!durable) onBroken(`run ${run} of ${model} is started before its event is durable`);
      return { run, model, cmd: 'simulated', cmdStop: '', env: [], port, proxy: '', logFile, specDigest };
    },
    probe: (run, _model, _baseUrl, ready) => runtime.probe(run, ready),
    grantOf: (run) => ({ granted: true, run, baseUrl: `sim://${run}`, model: {} as ModelConfig }),
    onExit: () => {
      exited = true;
    },
  });
  loop = createLoop({
    state,
    log,
    clock: virtualClock(scheduler, ports.wall, state.at),
    seat(now) {
      const models = [...now.models.values()].map((model) => model.settings);
      const builtIn = (name: BuiltInName) => ports.builtIn(name, { ...now.settings, models }, now);
      const fallback = builtIn(now.settings.fallback);
      return { name: 'simulated', version: '1', planner: ports.planner(fallback), fallback, builtIn };
    },
    perform(effect) {
      if ('run' in effect) ordered.add(`${effect.type} ${effect.run}`);
      performer.perform(effect);
    },
    onEvents(events) {
      for (const event of events) tickets.observe(event);
    },
    onBroken,
    after: (ms, then) => scheduler.after(ms, then),
  });
  log.onStatus((status) => {
    if (status.state === 'troubled') post({ type: 'log.troubled', code: 'disk-full', message: 'simulated' });
    else post({ type: 'log.recovered', waitedMs: 0, kept: 0, lost: 0 });
  });
  void runtime.reconcile(
    [...state.models.values()].flatMap((model) =>
      model.run === null
        ? []
        : [
            {
              run: model.run.run,
              model: model.id,
              pid: model.run.pid,
              startTime: model.run.startTime,
              bootId: model.run.bootId,
              logFile: model.run.logFile,
              cmdStop: '',
              env: [],
              proxy: null,
            },
          ],
    ),
  );
  post({
    type: 'router.boot',
    started: { instance: 'sim', pid: 1, version: '0', node: '0', bootId: 'sim', seed: ports.seed, unfinished: null },
    replaced: null,
    children: childrenOf(state, ports),
  });
  post({ type: 'config.loaded', hash: 'sim', trigger: 'start', settings });
  return {
    loop,
    tickets,
    exited: () => exited,
    forgotten() {
      if (loop.heldEffects() > 0) return [];
      const due = owed(loop.state).filter((effect) => 'run' in effect && !ordered.has(`${effect.type} ${effect.run}`));
      return due.map((effect) => `${effect.type} is owed and was never ordered`);
    },
    die() {
      dead = true;
      loop.close();
      performer.close();
    },
  };
}

/** What runtime/adopt.ts finds, at once: a child of the simulated world answers within no time, or never. */
function childrenOf(state: Readonly<State>, { runtime, settings, adopt = true }: KernelPorts): ChildFound[] {
  return [...state.models.values()].flatMap(({ id, run }): ChildFound[] => {
    if (run === null) return [];
    const specDigest = settings.models.find((model) => model.id === id)?.specDigest ?? null;
    const child = runtime.alive().get(run.run);
    const why = whyNotAdopted(run, { adopt, specDigest }) ?? (child === undefined ? 'its process is gone' : null);
    if (child === undefined || why !== null) return [{ run: run.run, adoptable: false, why: why ?? '' }];
    if (child.hung && run.phase === 'ready') return [{ run: run.run, adoptable: false, why: 'it does not answer' }];
    const { pid } = child;
    return [
      { run: run.run, adoptable: true, pid, startTime: `${run.run}`, bootId: 'sim', baseUrl: `sim://${run.run}` },
    ];
  });
}
