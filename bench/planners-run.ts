/**
 * Plays a workload on turnout's real loop in virtual time: real decisions, real events, simulated processes and disk.
 * Must never measure wall-clock time: the same workload and settings give the same figures on every machine.
 */
import type { TurnoutEvent } from '../src/core/events.ts';
import { modelId, requestId } from '../src/core/ids.ts';
import type { Settings } from '../src/core/settings.ts';
import { seededRandom } from '../src/core/simulation/random.ts';
import { createScheduler, createWallClock } from '../src/core/simulation/scheduler.ts';
import { bootKernel } from '../src/core/simulation/sim-kernel.ts';
import { createSimLog } from '../src/core/simulation/sim-log.ts';
import { createSimRuntime } from '../src/core/simulation/sim-runtime.ts';
import { builtInPlanner } from '../src/policies/built-in.ts';
import type { Agent, Workload } from './planners-workload.ts';

const START = 1_700_000_000_000;
const NO_FAULTS = { neverReady: 0, crashLoading: 0, crashServing: 0, ignoreTerm: 0, spawnFails: 0, stopHangs: 0 };

export interface Run {
  /** Every request that was granted: how long it waited, and when it was answered, ms from the beginning. */
  grants: { model: string; waitedMs: number; endsAt: number }[];
  swaps: number;
  /** Spent between the start of a process and its first answer. */
  loadingMs: number;
  /** null where nobody counts them. */
  swapsAvoided: number | null;
  /** Anything that must not happen: refusals, broken invariants. */
  errors: string[];
}

/** Plays until every agent has had its last answer. */
export function playKernel(workload: Workload, settings: Settings): Run {
  const random = seededRandom(1);
  const scheduler = createScheduler(START);
  const log = createSimLog(scheduler, random, { commitMsMax: 2, trouble: 0 });
  const loadMsOf = Object.fromEntries(workload.models.map((model) => [model.id, model.loadMs]));
  const runtime = createSimRuntime(scheduler, random, { ...NO_FAULTS, loadMsMax: 1, loadMsOf });
  const run: Run = { grants: [], swaps: 0, loadingMs: 0, swapsAvoided: 0, errors: [] };
  const looks = new Set<() => void>();
  const kernel = bootKernel({
    scheduler,
    wall: createWallClock(scheduler),
    log,
    runtime,
    settings,
    seed: 1,
    builtIn: builtInPlanner,
    planner: () => null,
    onSettled: () =>
      scheduler.after(0, () => {
        for (const look of looks) look();
      }),
    onBroken: (violation) => run.errors.push(violation),
  });
  let left = workload.agents.length;
  let requests = 0;

  const ask = (agent: Agent, no: number): void => {
    const step = agent.steps[no];
    if (step === undefined) {
      left--;
      return;
    }
    const model = modelId(step.model);
    const arrivedAt = scheduler.now();
    const ticket = kernel.tickets.admit({
      id: requestId(`r${++requests}`),
      kind: 'inference',
      model,
      asked: model,
      client: agent.client,
      session: null,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 1,
      streaming: false,
    });
    const look = () => {
      if (ticket.grant === null) return;
      looks.delete(look);
      if (!ticket.grant.granted) {
        run.errors.push(`${model} was refused: ${ticket.grant.message}`);
        return;
      }
      const endsAt = scheduler.now() - START + step.serviceMs;
      run.grants.push({ model, waitedMs: scheduler.now() - arrivedAt, endsAt });
      scheduler.after(step.serviceMs, () => {
        ticket.finish({ outcome: 'ok', status: 200, bytes: 1, firstByteMs: 1, usage: null, error: null });
        scheduler.after(step.thinkMs, () => ask(agent, no + 1));
      });
    };
    looks.add(look);
    look();
  };
  for (const agent of workload.agents) scheduler.after(agent.startMs, () => ask(agent, 0));
  while (left > 0 && run.errors.length === 0) {
    if (!scheduler.step(Number.POSITIVE_INFINITY)) run.errors.push('an agent waits for ever: nothing is due any more');
  }
  for (const text of log.stored) count(run, text);
  run.swapsAvoided = kernel.loop.state.swapsAvoided;
  return run;
}

function count(run: Run, text: string): void {
  if (text.includes('"type":"swap.started"')) run.swaps++;
  if (!text.includes('"type":"process.ready"')) return;
  const event = JSON.parse(text) as Extract<TurnoutEvent, { type: 'process.ready' }>;
  run.loadingMs += event.data.loadMs;
}
