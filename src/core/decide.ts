/**
 * What an input means: report in, facts out. Deterministic; reads no clock and performs nothing. What follows from a
 * state of its own accord (starts, grants, drains) is settle.ts, which the loop runs after every input.
 */
import { type Batch, newBatch } from './batch.ts';
import { answerReceived, answerRefused } from './decide-answer.ts';
import { configLoaded, routerBoot } from './decide-boot.ts';
import { clockReached } from './decide-clock.ts';
import { devicesSampled, forgetAsked, pinAsked, unpinAsked } from './decide-memory.ts';
import { shutdownAsked, unloadAsked } from './decide-operator.ts';
import {
  policyDisagreed,
  policyFailed,
  policyIdled,
  policyLoaded,
  policyRanked,
  policyRefused,
  policyUnloaded,
} from './decide-policy.ts';
import { requestArrived } from './decide-request.ts';
import { failStart } from './endings.ts';
import type { Draft } from './events.ts';
import type { Input, InputOf } from './inputs.ts';
import { modelOfRun, type Requirements } from './rules.ts';
import type { State } from './state.ts';

type Handler<T extends Input['type']> = (
  batch: Batch,
  state: Readonly<State>,
  input: InputOf<T>,
  now: number,
  rules: Requirements,
) => void;

/** Events that follow from one input. `now` is turnout's own clock in ms. */
export function decide(state: Readonly<State>, input: Input, now: number, rules: Requirements): Draft[] {
  const batch = newBatch(state);
  (HANDLE[input.type] as Handler<Input['type']>)(batch, state, input, now, rules);
  return batch.drafts;
}

const HANDLE: { [T in Input['type']]: Handler<T> } = {
  'router.boot': routerBoot,
  'config.loaded': configLoaded,
  'http.request': requestArrived,
  'http.gone': (batch, state, { request, status, bytes }) => {
    const open = state.requests.get(request);
    if (open === undefined) return;
    const stage = open.granted === null ? 'waiting' : 'serving';
    batch.add({ type: 'request.cancelled', model: open.model, request, data: { stage, status, bytes } });
  },
  'http.quiet': (batch, state, { request, quiet, forMs }) => {
    const open = state.requests.get(request);
    const model = open === undefined ? undefined : state.models.get(open.model);
    if (open?.granted == null || model === undefined || model.quiet.has(request) === quiet) return;
    if (quiet) batch.add({ type: 'request.quieted', model: model.id, request, data: { forMs } });
    else batch.add({ type: 'request.resumed', model: model.id, request, data: {} });
  },
  'http.retried': (batch, state, { request, reason }) => {
    const open = state.requests.get(request);
    if (open !== undefined) batch.add({ type: 'request.retried', model: open.model, request, data: { reason } });
  },
  'http.done': requestDone,
  'child.spawned': (batch, state, { run, pid, startTime, bootId }) => {
    const model = modelOfRun(state, run);
    if (model !== null) {
      batch.add({ type: 'process.spawned', model: model.id, cause: run, data: { run, pid, startTime, bootId } });
    }
  },
  'child.ready': (batch, state, { run, baseUrl }, now) => {
    const model = modelOfRun(state, run);
    if (model?.run?.phase !== 'starting') return;
    const loadMs = now - model.run.startingAt;
    batch.add({ type: 'process.ready', model: model.id, cause: run, data: { run, baseUrl, loadMs } });
  },
  'child.exited': childExited,
  'child.flooded': (batch, state, { run, bytesPerSec }) => {
    const model = modelOfRun(state, run);
    if (model === null) return;
    batch.add({ type: 'process.flooded', model: model.id, cause: run, data: { run, bytesPerSec } });
  },
  'clock.reached': clockReached,
  'clock.stepped': (batch, _state, { byMs }) => {
    batch.add({ type: 'clock.stepped', data: { byMs } });
  },
  'planner.answer': answerReceived,
  'operator.unload': unloadAsked,
  'operator.shutdown': shutdownAsked,
  'operator.pin': pinAsked,
  'operator.unpin': unpinAsked,
  'operator.forget': forgetAsked,
  'devices.sampled': devicesSampled,
  'planner.refused': answerRefused,
  'policy.loaded': policyLoaded,
  'policy.refused': policyRefused,
  'policy.failed': policyFailed,
  'policy.unloaded': policyUnloaded,
  'policy.idle': policyIdled,
  'policy.ranked': policyRanked,
  'policy.disagreed': policyDisagreed,
  'log.troubled': (batch, _state, { code, message }) => {
    batch.add({ type: 'log.troubled', data: { code, message } });
  },
  'log.replaced': (batch, state, { reason, movedTo }) => {
    const cause = batch.add({ type: 'log.replaced', data: { reason, movedTo } });
    // The fresh log must fold alone: it begins with what every other event refers to.
    const { configHash: hash, settings } = state;
    batch.add({ type: 'config.applied', cause, data: { hash, trigger: 'reload', settings } });
  },
  'log.recovered': (batch, _state, { waitedMs, kept, lost }) => {
    if (lost > 0) batch.add({ type: 'log.gap', data: { count: lost } });
    batch.add({ type: 'log.recovered', data: { waitedMs, kept } });
  },
};

function requestDone(
  batch: Batch,
  state: Readonly<State>,
  { request, report }: InputOf<'http.done'>,
  now: number,
): void {
  const open = state.requests.get(request);
  if (open === undefined) return;
  batch.add({
    type: 'request.finished',
    model: open.model,
    request,
    data: { ...report, totalMs: now - open.arrivedAt },
  });
}

function childExited(batch: Batch, state: Readonly<State>, input: InputOf<'child.exited'>, now: number): void {
  const model = modelOfRun(state, input.run);
  if (model === null) return;
  const { run, code, signal, by, detail, tail } = input;
  const wasStarting = model.run?.phase === 'starting';
  const cause = batch.add({
    type: 'process.exited',
    model: model.id,
    cause: run,
    // what a model prints once it serves may hold prompts: it stays in the file that only its owner can read
    data: { run, code, signal, by, detail, tail: wasStarting ? tail : [] },
  });
  if (wasStarting) failStart(batch, state, model, { run, why: exitWords(input), tail, cause }, now);
}

/** How a process ended, in words that name the exit code or the signal (spec 3.1 for the beginning). */
function exitWords({ code, signal, by, detail }: InputOf<'child.exited'>): string {
  if (by === 'spawn') return detail ?? 'failed to start command';
  const how = signal !== null ? `signal ${signal}` : code !== null ? `exit code ${code}` : 'exit code unknown';
  const who = by === 'oom-killer' ? ', by the OOM killer' : by === 'another' ? ', sent by another process' : '';
  return `upstream command exited prematurely (${how}${who})${detail === null ? '' : `: ${detail}`}`;
}
