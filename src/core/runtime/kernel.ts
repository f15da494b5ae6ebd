/**
 * Puts the kernel together and starts it: folds the log, closes what a dead predecessor left, applies the configuration,
 * and answers the HTTP side as a `Router`. Knows the parts by their seams only.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Config, ModelConfig } from '../config/config.ts';
import { launchFields } from '../config/launch.ts';
import { settingsOf } from '../config/settings.ts';
import type { TurnoutEvent } from '../events.ts';
import { foldLog } from '../history/fold-log.ts';
import type { ModelId, RunId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import { LIMITS } from '../limits.ts';
import type { EventLog, OpenedLog, Retention } from '../log/log.ts';
import type { BuiltInPlanner } from '../plan.ts';
import { modelOfRun } from '../rules.ts';
import type { BuiltInName, Settings } from '../settings.ts';
import type { State } from '../state.ts';
import { findChildren, recordedRuns } from './adopt.ts';
import type { PlannerSeat } from './asking.ts';
import { type Clock, realClock } from './clock.ts';
import { watchDevices } from './device-watch.ts';
import { createFeed } from './feed.ts';
import { createHealthReport } from './health-report.ts';
import { createLoop, type Loop } from './loop.ts';
import { createPerformer } from './perform.ts';
import { createPolicyDesk } from './policy-desk.ts';
import type { PolicyPort, PolicyPortOptions } from './policy-port.ts';
import { previewPlan } from './preview.ts';
import type { LaunchSpec, ProcessRuntime } from './process-runtime.ts';
import { createRequestIds } from './request-ids.ts';
import type { Grant, Router } from './router.ts';
import { createTickets } from './tickets.ts';
import { createWaiting } from './waiting.ts';

export interface KernelOptions {
  config: Config;
  /** Key of the spec digests; stays in the state directory. */
  digestKey: string;
  opened: OpenedLog;
  runtime: ProcessRuntime;
  /** A built-in planner of these settings; reads the state at each question. */
  builtIn(name: BuiltInName, settings: Settings, state: Readonly<State>): BuiltInPlanner;
  /** The living processes of each run, for those who look at what they hold; absent = nobody looks. */
  families?: () => Promise<ReadonlyMap<RunId, readonly { pid: number; name: string }[]>>;
  /** Opens the host of users' policies, on first use; absent = there are none. */
  policyHost?: (options: PolicyPortOptions) => Promise<PolicyPort>;
  /** Starts the health check of a run; calls back once with the address that answered. Returns the way to stop it. */
  probe(model: ModelConfig, baseUrl: string, ready: (baseUrl: string) => void): () => void;
  version: string;
  bootId: string;
  /** The turnout before this one handed over to it. */
  handedOver?: boolean;
  onEvent?(event: TurnoutEvent): void;
  onWarning(message: string): void;
  /** Is given what to call when the log file had to be given up while running. */
  onLogReplaced?(listener: (replaced: { reason: string; movedTo: string }) => void): void;
  clock?: (floor: number) => Clock;
}

export async function startRouter(options: KernelOptions): Promise<Router> {
  const { opened, runtime, onWarning } = options;
  let { config } = options;
  const { log } = opened;
  const state = await foldLog(log, opened.head);
  const clock = (options.clock ?? realClock)(state.at);

  const feed = createFeed(log);
  const health = createHealthReport(state, log);
  const waiting = createWaiting();
  /** What each live run was started from; a reload does not change it. */
  const launched = new Map<RunId, ModelConfig>();
  /** Models by id and digest of what starts them: an order is carried out as it was decided, whatever was loaded since. */
  const specs = new Map<string, ModelConfig>();
  let loop: Loop;
  /** What comes before this start is written: no end of a run may stand before it. */
  let early: Input[] | null = [];
  const post: Loop['post'] = (input) => (early === null ? loop.post(input) : void early.push(input));
  const tickets = createTickets(post);
  const performer = createPerformer({
    runtime,
    tickets,
    redact: (text) => config.redact(text),
    post,
    onWarning,
    launchSpec({ run, model: id, port, logFile, specDigest }) {
      const model = specs.get(specKey(id, specDigest));
      if (model === undefined) return null;
      launched.set(run, model);
      const spec: LaunchSpec = { run, model: id, ...launchFields(model, port), port, logFile, specDigest };
      return spec;
    },
    probe(run, id, baseUrl, ready) {
      const model = launched.get(run) ?? config.models.get(id);
      if (model === undefined) return () => {};
      return options.probe(model, baseUrl, ready);
    },
    grantOf: (run) => grantOf(loop.state, run, launched, config),
    onExit: () => waiting.exited(),
  });

  const desk =
    options.policyHost === undefined ? null : createPolicyDesk({ open: options.policyHost, log, state, post });
  let seat: PlannerSeat;
  loop = createLoop({
    state,
    log,
    clock,
    seat(now) {
      // Runs of models that left the configuration still take their place in their group.
      const models = [...now.models.values()].map((model) => model.settings);
      const builtIn = (name: BuiltInName) => options.builtIn(name, { ...now.settings, models }, now);
      const fallback = builtIn(now.settings.fallback);
      seat = { name: fallback.name, version: fallback.version, planner: null, fallback, builtIn };
      const planner = desk?.planner() ?? null;
      const policy = now.policies.get('live');
      if (planner === null || policy === undefined) return seat;
      const { name, sourceHash, optionsHash } = policy;
      seat = { ...seat, name, version: String(POLICY_API), sourceHash, optionsHash, planner };
      return seat;
    },
    perform: performer.perform,
    onEvents(events) {
      for (const event of events) {
        tickets.observe(event);
        devices?.observe(event);
        if (event.type === 'process.exited') launched.delete(event.data.run);
        options.onEvent?.(event);
        health.observe(event);
      }
      desk?.observe(events);
      feed.push(events);
      waiting.check(loop.state);
    },
    onBroken(violation) {
      health.broke(violation);
      onWarning(`broken invariant: ${violation}. This is a defect of turnout, please report it`);
    },
    answered: (view, seed, verdict, resolve) => desk?.answered(view, seed, verdict, resolve),
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
  });
  const devices =
    options.families === undefined ? null : watchDevices({ state, families: options.families, post, onWarning });
  function apply(next: Config, trigger: 'start' | 'reload'): Promise<void> {
    const settings = settingsOf(next, options.digestKey);
    const live = new Set([...loop.state.models.values()].map(({ id, run }) => specKey(id, run?.specDigest ?? '')));
    for (const key of specs.keys()) if (!live.has(key)) specs.delete(key);
    for (const one of settings.models) {
      const model = next.models.get(one.id);
      if (model !== undefined) specs.set(specKey(one.id, one.specDigest), model);
    }
    config = next;
    log.putBlob(next.hash, next.redacted);
    post({ type: 'config.loaded', hash: next.hash, trigger, settings });
    opened.upkeep.retain(retentionOf(next));
    return desk?.apply(next) ?? Promise.resolve();
  }

  reportLogTrouble(log, post, clock);
  options.onLogReplaced?.((replaced) => post({ type: 'log.replaced', ...replaced }));
  const children = await findChildren({
    state,
    settings: settingsOf(config, options.digestKey),
    adopt: config.turnout.adopt ?? true,
    records: recordedRuns(state, config),
    runtime,
    probe(id, baseUrl, ready) {
      const model = config.models.get(id);
      return model === undefined ? () => {} : options.probe(model, baseUrl, ready);
    },
  });
  for (const id of state.alive) {
    const run = state.models.get(id)?.run?.run;
    const model = config.models.get(id);
    const adopted = children.some((child) => child.run === run && child.adoptable);
    if (adopted && run !== undefined && model !== undefined) launched.set(run, model);
  }

  loop.post({
    type: 'router.boot',
    started: {
      instance: randomUUID(),
      pid: process.pid,
      version: options.version,
      node: process.version,
      bootId: options.bootId,
      seed: randomBytes(4).readUInt32LE(),
      unfinished: null,
    },
    replaced: opened.replaced,
    children,
    handedOver: options.handedOver ?? false,
  });
  const waited = early;
  early = null;
  for (const input of waited) post(input);
  const policiesTaken = apply(config, 'start');

  // Nothing is served before it is on disk that this turnout began and what it closed.
  await log.flush();
  // A policy decides from the first request on, unless it takes its time: nobody waits for one that does not come up.
  await Promise.race([policiesTaken, pause(LIMITS.policyStartMs)]);

  return {
    log,
    config: () => config,
    state: () => loop.state,
    now: clock.now,
    newRequestId: createRequestIds(),
    admit: tickets.admit,
    reload: (next) => void apply(next, 'reload'),
    async unload(models, by) {
      const gone = waiting.forRuns(loop.state, models);
      post({ type: 'operator.unload', models, by });
      await gone;
    },
    async pin(model, owner, until) {
      post({ type: 'operator.pin', model, owner, until });
      await log.flush();
    },
    async unpin(model, by) {
      const pinned = loop.state.models.get(model)?.pin != null;
      post({ type: 'operator.unpin', model, by });
      await log.flush();
      return pinned;
    },
    async forget(model, by) {
      post({ type: 'operator.forget', model, by });
      await log.flush();
    },
    compact: () => opened.upkeep.compact(retentionOf(config)),
    plan: (model) => previewPlan(loop.state, seat, model, Math.max(clock.now(), loop.state.at)),
    subscribe: feed.subscribe,
    note: health.note,
    health: health.report,
    onHealth: health.onChange,
    async shutdown(signal, { force = false, keep = false } = {}) {
      const over = waiting.forExit(loop.state);
      post({ type: 'operator.shutdown', signal, force, keep });
      await over;
      devices?.close();
      loop.close();
      performer.close();
      await desk?.close();
      feed.close();
    },
  };
}

/** Version of what policies see and say. */
const POLICY_API = 1;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());

const specKey = (id: ModelId, digest: string) => `${digest} ${id}`;

/** A configuration that was not loaded from a file may say nothing of it: then every event is kept. */
function retentionOf({ turnout }: Config): Retention {
  return { days: turnout.retentionDays ?? 0, bytesMax: turnout.eventLogBytesMax ?? null };
}

function grantOf(state: Readonly<State>, run: RunId, launched: ReadonlyMap<RunId, ModelConfig>, config: Config): Grant {
  const owner = modelOfRun(state, run);
  const live = owner?.run;
  const model = owner === null ? undefined : (config.models.get(owner.id) ?? launched.get(run));
  if (live?.phase !== 'ready' || model === undefined) {
    const message = `[${owner?.id ?? 'unknown'}] process is not ready`;
    return { granted: false, status: 503, code: 'not-ready', message, retryAfterSec: 1 };
  }
  return { granted: true, run, baseUrl: live.baseUrl, model };
}

function reportLogTrouble(log: EventLog, post: Loop['post'], clock: Clock): void {
  let since: number | null = null;
  log.onStatus((status) => {
    if (status.state === 'troubled' && since === null) {
      since = clock.now();
      post({ type: 'log.troubled', code: status.code ?? 'unknown', message: status.message ?? 'unknown' });
    } else if (status.state === 'ok' && since !== null) {
      const waitedMs = clock.now() - since;
      since = null;
      post({ type: 'log.recovered', waitedMs, kept: status.pending, lost: status.lost });
    }
  });
}
