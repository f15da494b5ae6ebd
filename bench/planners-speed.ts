/**
 * What one decision costs with 200 models, 20 of them alive and 50 waiting: building the view, the candidates, the
 * verdict, and the check of it. The only wall-clock times of this comparison.
 */

import type { TurnoutEvent } from '../src/core/events.ts';
import { emptyState, evolve } from '../src/core/evolve.ts';
import { type ModelId, modelId, type RequestKey, requestId, requestKey, runId } from '../src/core/ids.ts';
import { NO_HINTS } from '../src/core/plan.ts';
import { checkVerdict } from '../src/core/referee.ts';
import type { BuiltInName, SetExpression, Settings } from '../src/core/settings.ts';
import { type Random, seededRandom } from '../src/core/simulation/random.ts';
import type { State } from '../src/core/state.ts';
import { buildSharedView, viewFor } from '../src/core/view.ts';
import { builtInPlanner } from '../src/policies/built-in.ts';
import { baseSettings, modelSettings } from './planners-contenders.ts';
import { median, type Outcome, percentile } from './scenario.ts';

const MODELS = 200;
const ALIVE = 20;
const WAITING = 50;
const GIB = 1024 ** 3;
const DEVICES = 4;
const START = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const WARM_UP = 20;
const TRIES = 3;

const idOf = (no: number): ModelId => modelId(`model-${no}`);

/** Twenty slots of ten models each, of which one at a time is loaded: as groups, as a matrix, and as sizes. */
function settingsOf(planner: BuiltInName, random: Random): Settings {
  const slots = Array.from({ length: ALIVE }, (_, slot) =>
    Array.from({ length: MODELS / ALIVE }, (_, i) => idOf(slot + i * ALIVE)),
  );
  const parts = slots.map((ids): SetExpression => ({ kind: 'or', parts: ids.map((id) => ({ kind: 'model', id })) }));
  const text = slots.map((ids) => `(${ids.join(' | ')})`).join(' & ');
  return {
    ...baseSettings(planner),
    models: Array.from({ length: MODELS }, (_, no) => ({
      ...modelSettings(idOf(no), random.int(8, 24) * GIB),
      group: `slot-${no % ALIVE}`,
    })),
    groups: slots.map((_, slot) => ({ id: `slot-${slot}`, swap: true, exclusive: false, persistent: false })),
    matrix: { sets: [{ name: 'all', text, expression: { kind: 'and', parts } }], evictCosts: {} },
    devices: Array.from({ length: DEVICES }, (_, no) => ({ id: `gpu${no}`, bytes: 80 * GIB })),
  };
}

/** A state in the middle of its life, built of events but for the runs, whose history would only take time. */
function stateOf(settings: Settings, random: Random): State {
  const state = emptyState();
  const fold = (event: object) => evolve(state, { position: state.position + 1, version: 1, ...event } as TurnoutEvent);
  fold({ type: 'config.applied', at: START, data: { hash: 'bench', trigger: 'start', settings } });
  for (let n = 0; n < 400; n++) {
    const at = START + n * Math.floor(HOUR_MS / 400);
    const key = arrive(fold, state, idOf(random.int(0, MODELS - 1)), at);
    fold({ type: 'request.cancelled', at, request: key, data: { stage: 'waiting', status: null, bytes: 0 } });
  }
  const now = START + HOUR_MS;
  let left = settings.devices.reduce((sum, device) => sum + device.bytes, 0);
  for (let slot = 0; slot < ALIVE; slot++) {
    const no = slot + ALIVE * random.int(0, MODELS / ALIVE - 1);
    left -= putRun(state, idOf(no), now - random.int(0, HOUR_MS), Math.floor(left / (ALIVE - slot)));
  }
  while (state.targets.size < WAITING) {
    const id = idOf(random.int(0, MODELS - 1));
    if (state.models.get(id)?.run === null) arrive(fold, state, id, now);
  }
  return state;
}

function arrive(fold: (event: object) => void, state: State, model: ModelId, at: number): RequestKey {
  const key = requestKey(state.position + 1);
  const id = requestId(`r${key}`);
  const what = { asked: model, client: 'bench', session: null, method: 'POST', endpoint: '/v1/chat/completions' };
  const data = { id, kind: 'inference', ...what, bytes: 1_000, streaming: true, priority: 0 };
  fold({ type: 'request.arrived', at, model, request: key, data });
  return key;
}

/** Returns what it takes: no more than its share, so that all fit. */
function putRun(state: State, id: ModelId, readyAt: number, shareBytes: number): number {
  const model = state.models.get(id);
  if (model === undefined) throw new Error(`the state for timing: expected "${id}" to be a model of it`);
  const declared = model.settings.memory;
  const memory = Math.min(typeof declared === 'number' ? declared : 0, shareBytes);
  model.run = {
    phase: 'ready',
    run: runId(1_000_000 + state.alive.size),
    model: id,
    startingAt: readyAt - 20_000,
    port: null,
    logFile: '',
    specDigest: model.settings.specDigest,
    memory,
    pid: 1,
    startTime: '1',
    bootId: 'bench',
    baseUrl: '',
    readyAt,
    loadMs: 20_000,
  };
  model.loadMs = [20_000];
  model.idleSince = readyAt;
  state.alive.add(id);
  return memory;
}

interface Times {
  view: number[];
  decision: number[];
  check: number[];
}

/** Of each question the least of a few tries, so that what else the machine does counts for little. */
function timesOf(name: BuiltInName, views: number): Times {
  const times: Times = { view: [], decision: [], check: [] };
  for (let round = -WARM_UP; round < views; round++) {
    const random = seededRandom(1_000 + round);
    const settings = settingsOf(name, random);
    const state = stateOf(settings, random);
    const target = random.pick([...state.targets]);
    const tries = Array.from({ length: TRIES }, () => timeOnce(name, settings, state, target));
    if (round < 0) continue;
    for (const part of ['view', 'decision', 'check'] as const) {
      times[part].push(Math.min(...tries.map((one) => one[part])));
    }
  }
  return times;
}

/** A planner of its own each time, so that no answer is that of before. */
function timeOnce(name: BuiltInName, settings: Settings, state: State, target: ModelId): Record<keyof Times, number> {
  const planner = builtInPlanner(name, settings, state);
  const begin = performance.now();
  const view = viewFor(state, buildSharedView(state, START + HOUR_MS), target);
  const seen = performance.now();
  view.candidates = planner.candidates(view, NO_HINTS);
  const verdict = planner.plan(view, NO_HINTS);
  const decided = performance.now();
  const refusal = checkVerdict(state, target, verdict, planner);
  const checked = performance.now();
  if (refusal !== null) throw new Error(`the ${name} planner's verdict for ${target} was refused: ${refusal.detail}`);
  return { view: seen - begin, decision: decided - seen, check: checked - decided };
}

export function timePlanners(views: number): Outcome {
  const rows = (['group', 'matrix', 'budget'] as const).map((name) => {
    const { view, decision, check } = timesOf(name, views);
    const both = (ms: number[]) => [
      median(ms),
      percentile(
        ms.sort((a, b) => a - b),
        0.99,
      ),
    ];
    return { name, values: [...both(decision), ...both(view), ...both(check)] };
  });
  const columns = ['decision p50 ms', 'p99 ms', 'view p50 ms', 'p99 ms', 'check p50 ms', 'p99 ms'];
  const note = `${MODELS} models, ${ALIVE} alive, ${WAITING} waiting; ${views} views, of each the least of ${TRIES} tries; decision: candidates and verdict`;
  return { tables: [{ title: 'time of one decision', note, columns, rows }], errors: [] };
}
