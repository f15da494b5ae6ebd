/**
 * A state under other names: what the fold of disguised events leads to. Every field of the state is named, so that one
 * that is added is thought of. Must never change the order of anything.
 */
import type { ModelState, PolicyState, RequestState, Run, State } from '../../state.ts';
import type { Disguise } from './disguise.ts';
import { disguiseModel, disguiseSettings } from './disguise-settings.ts';

type Change<T> = (value: T, to: Disguise, hash: (old: string) => string) => T;

const same = <T>(value: T): T => value;

/** Must name every field: the compiler is the checklist. */
const FIELDS: { [K in keyof State]: Change<State[K]> } = {
  position: same,
  at: same,
  phase: same,
  started: same,
  seed: same,
  drainingSince: same,
  planEpoch: same,
  settings: (settings, to) => disguiseSettings(settings, to),
  configHash: (value, _, hash) => hash(value),
  models: (models, to) => new Map([...models].map(([id, model]) => [to.model(id), disguiseModelState(model, to)])),
  targets: (targets, to) => new Set(to.models([...targets])),
  alive: (alive, to) => new Set(to.models([...alive])),
  requests: (requests, to) => new Map([...requests].map(([key, one]) => [key, disguiseRequest(one, to)])),
  swaps: (swaps, to) =>
    new Map(
      [...swaps].map(([id, swap]) => [id, { ...swap, target: to.model(swap.target), evict: to.models(swap.evict) }]),
    ),
  drain: (drain, to) => drain && { ...drain, target: to.model(drain.target), evict: to.models(drain.evict) },
  policies: (policies, to, hash) =>
    new Map([...policies].map(([slot, policy]) => [slotOf(slot, to), disguisePolicy(policy, to, hash)])),
  policyWakeAt: same,
  rank: (rank, to) => to.models(rank),
  devices: same,
  idleSince: same,
  idleRequest: same,
  wallStepsMs: same,
  swapsAvoided: same,
  logTroubled: (trouble, to) => trouble && { ...trouble, message: to.text(trouble.message) },
  stalled: (what, to) => what && to.text(what),
};

/** `hash`: the new hash of a configuration or of a policy. */
export function disguiseState(state: State, to: Disguise, hash: (old: string) => string): State {
  const changed = Object.entries(FIELDS).map(([field, change]) => {
    const value = state[field as keyof State];
    return [field, (change as Change<unknown>)(value, to, hash)];
  });
  return { ...state, ...(Object.fromEntries(changed) as State) };
}

/** `live`, or the file of a policy in the shadow. */
export const slotOf = (slot: string, to: Disguise): string => (slot === 'live' ? slot : to.path(slot));

function disguiseModelState(model: ModelState, to: Disguise): ModelState {
  const { id, settings, run, lastClient, backoff, pin, blocked, pending } = model;
  return {
    ...model,
    id: to.model(id),
    settings: disguiseModel(settings, to),
    run: run && disguiseRun(run, to),
    lastClient: lastClient === null ? null : to.client(lastClient),
    backoff: backoff && { ...backoff, why: to.text(backoff.why), tail: to.output(backoff.tail) },
    pin: pin && { ...pin, owner: to.owner(pin.owner) },
    blocked: blocked && { ...blocked, reason: to.text(blocked.reason) },
    pending: pending && { ...pending, evict: to.models(pending.evict), reason: to.text(pending.reason) },
  };
}

function disguiseRun(run: Run, to: Disguise): Run {
  const named = {
    model: to.model(run.model),
    logFile: to.logFile(run.logFile),
    bootId: run.bootId && to.machine(run.bootId),
  };
  return run.phase === 'ready' ? { ...run, ...named, baseUrl: to.url(run.baseUrl) } : { ...run, ...named };
}

function disguiseRequest(request: RequestState, to: Disguise): RequestState {
  const { model, asked, client, session, endpoint, redirectedFrom } = request;
  return {
    ...request,
    model: to.model(model),
    asked: to.asked(asked),
    client: to.client(client),
    session: session === null ? null : to.session(session),
    endpoint: to.endpoint(endpoint),
    redirectedFrom: redirectedFrom && to.model(redirectedFrom),
  };
}

function disguisePolicy(policy: PolicyState, to: Disguise, hash: (old: string) => string): PolicyState {
  const { slot, file, sourceHash, optionsHash, disabled } = policy;
  return {
    ...policy,
    slot: slotOf(slot, to),
    file: to.path(file),
    sourceHash: hash(sourceHash),
    optionsHash: hash(optionsHash),
    disabled: disabled && to.text(disabled),
  };
}
