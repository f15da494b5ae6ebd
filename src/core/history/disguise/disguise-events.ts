/**
 * Events under other names. Every type is named, so that one that is added is thought of; whatever a type has that says
 * who, where or which model is changed, and nothing else. Pure.
 */
import type {
  EventData,
  EventType,
  IdleVerdict,
  PolicyFaultData,
  PolicyVerdict,
  TurnoutEvent,
  Verdict,
} from '../../events.ts';
import { encodeState, stateFrom } from '../../state-codec.ts';
import type { Disguise } from './disguise.ts';
import { disguiseSettings } from './disguise-settings.ts';
import { disguiseState, slotOf } from './disguise-state.ts';

type Hash = (old: string) => string;
type Change<T extends EventType> = (data: EventData[T], to: Disguise, hash: Hash) => EventData[T];

const same = <T>(data: T): T => data;
const maybe = (text: string | null, to: Disguise): string | null => (text === null ? null : to.text(text));

/** Must name every type: the compiler is the checklist. */
const CHANGES: { readonly [T in EventType]: Change<T> } = {
  'router.started': (data, to) => ({ ...data, bootId: to.machine(data.bootId) }),
  'router.draining': same,
  'router.stopped': same,
  'clock.stepped': same,
  'config.applied': (data, to, hash) => ({
    ...data,
    hash: hash(data.hash),
    settings: disguiseSettings(data.settings, to),
  }),
  'log.gap': same,
  'log.troubled': (data, to) => ({ ...data, message: to.text(data.message) }),
  'log.recovered': same,
  'log.replaced': (data, to) => ({ reason: to.text(data.reason), movedTo: to.path(data.movedTo) }),
  'log.rebased': (data, to, hash) => ({
    ...data,
    state: JSON.parse(encodeState(disguiseState(stateFrom(data.state), to, hash))) as object,
  }),

  'request.arrived': (data, to) => ({
    ...data,
    asked: to.asked(data.asked),
    client: to.client(data.client),
    session: data.session === null ? null : to.session(data.session),
    endpoint: to.endpoint(data.endpoint),
  }),
  'request.granted': same,
  'request.redirected': (data, to) => ({ to: to.model(data.to), reason: to.text(data.reason) }),
  'request.retried': (data, to) => ({ reason: to.text(data.reason) }),
  'request.quieted': same,
  'request.resumed': same,
  'request.finished': (data, to) => ({ ...data, error: maybe(data.error, to) }),
  'request.rejected': (data, to) => ({ ...data, reason: to.text(data.reason) }),
  'request.cancelled': same,
  'request.lost': same,

  'plan.decided': (data, to, hash) => ({
    ...data,
    planner: {
      ...data.planner,
      ...(data.planner.sourceHash === undefined ? {} : { sourceHash: hash(data.planner.sourceHash) }),
      ...(data.planner.optionsHash === undefined ? {} : { optionsHash: hash(data.planner.optionsHash) }),
    },
    verdict: verdictOf(data.verdict, to),
    ...(data.logs === undefined ? {} : { logs: data.logs.map((line) => to.text(line)) }),
  }),
  'policy.loaded': (data, to, hash) => ({
    ...data,
    slot: slotOf(data.slot, to),
    file: to.path(data.file),
    sourceHash: hash(data.sourceHash),
    optionsHash: hash(data.optionsHash),
  }),
  'policy.refused': (data, to) => ({ slot: slotOf(data.slot, to), fault: faultOf(data.fault, to) }),
  'policy.failed': (data, to) => ({ ...data, slot: slotOf(data.slot, to), fault: faultOf(data.fault, to) }),
  'policy.disabled': (data, to) => ({ slot: slotOf(data.slot, to), why: to.text(data.why) }),
  'policy.unloaded': (data, to) => ({ slot: slotOf(data.slot, to) }),
  'policy.idled': (data, to) => ({ ...data, verdict: idleVerdictOf(data.verdict, to) }),
  'policy.disagreed': (data, to) => ({
    ...data,
    slot: slotOf(data.slot, to),
    verdict: policyVerdictOf(data.verdict, to),
    reason: to.text(data.reason),
  }),
  'targets.ranked': (data, to) => ({ order: to.models(data.order) }),

  'plan.rejected': (data, to) => ({ ...data, detail: to.text(data.detail), verdict: verdictOf(data.verdict, to) }),
  'target.blocked': (data, to) => ({ ...data, reason: to.text(data.reason) }),

  'swap.draining': (data, to) => ({ ...data, evict: to.models(data.evict), reason: to.text(data.reason) }),
  'drain.ended': same,
  'swap.started': (data, to) => ({ ...data, evict: to.models(data.evict) }),
  'swap.finished': (data, to) => ({ ...data, why: maybe(data.why, to) }),
  'swap.abandoned': (data, to) => ({ ...data, why: to.text(data.why) }),

  'process.starting': (data, to) => ({ ...data, logFile: to.logFile(data.logFile) }),
  'process.spawned': (data, to) => ({ ...data, bootId: to.machine(data.bootId) }),
  'process.ready': (data, to) => ({ ...data, baseUrl: to.url(data.baseUrl) }),
  'process.adopted': (data, to) => ({ ...data, bootId: to.machine(data.bootId), baseUrl: to.url(data.baseUrl) }),
  'process.stopping': (data, to) => ({ ...data, detail: maybe(data.detail, to) }),
  'process.killed': (data, to) => ({ ...data, why: to.text(data.why) }),
  'process.exited': (data, to) => ({ ...data, detail: maybe(data.detail, to), tail: to.output(data.tail) }),
  'process.flooded': same,
  'model.backed-off': (data, to) => ({ ...data, why: to.text(data.why), tail: to.output(data.tail) }),
  'model.pinned': (data, to) => ({ ...data, owner: to.owner(data.owner) }),
  'model.unpinned': (data, to) => ({ ...data, by: to.owner(data.by) }),
  'memory.observed': same,
  'memory.forgotten': (data, to) => ({ by: to.client(data.by) }),
  'memory.short': same,
  'memory.awaited': same,
  'devices.sampled': same,
  'unload.requested': (data, to) => ({
    ...data,
    models: to.models(data.models),
    by: data.cause === 'operator' ? to.client(data.by) : data.by,
  }),
  'stall.detected': (data, to) => ({ ...data, what: to.text(data.what) }),
};

/** `hash`: the new hash of a configuration, of a policy or of its options. */
export function disguiseEvent(event: TurnoutEvent, to: Disguise, hash: Hash): TurnoutEvent {
  const data = (CHANGES[event.type] as (data: TurnoutEvent['data'], to: Disguise, hash: Hash) => TurnoutEvent['data'])(
    event.data,
    to,
    hash,
  );
  const model = event.model === undefined ? {} : { model: to.model(event.model) };
  return { ...event, ...model, data } as TurnoutEvent;
}

function verdictOf(verdict: Verdict, to: Disguise): Verdict {
  const reason = to.text(verdict.reason);
  switch (verdict.action) {
    case 'swap':
      return { ...verdict, evict: to.models(verdict.evict), reason, ...alternativesOf(verdict, to) };
    case 'wait':
      return { ...verdict, reason, ...alternativesOf(verdict, to) };
    case 'redirect':
      return { ...verdict, model: to.model(verdict.model), reason };
    case 'reject':
      return { ...verdict, reason };
  }
}

function alternativesOf({ alternatives }: Extract<Verdict, { action: 'swap' | 'wait' }>, to: Disguise) {
  if (alternatives === undefined) return {};
  return {
    alternatives: alternatives.map((one) => ({ ...one, evict: to.models(one.evict), reason: to.text(one.reason) })),
  };
}

function policyVerdictOf(verdict: PolicyVerdict, to: Disguise): PolicyVerdict {
  if (verdict.action !== 'delegate') return verdictOf(verdict, to);
  const { protect, prefer, reason } = verdict;
  return {
    ...verdict,
    ...(protect === undefined ? {} : { protect: to.models(protect) }),
    ...(prefer === undefined ? {} : { prefer: to.models(prefer) }),
    ...(reason === undefined ? {} : { reason: to.text(reason) }),
  };
}

function idleVerdictOf(verdict: IdleVerdict, to: Disguise): IdleVerdict {
  const { keep } = verdict;
  const kept = keep === undefined ? {} : { keep: keep.map((one) => ({ ...one, model: to.model(one.model) })) };
  if (verdict.action !== 'none')
    return { ...verdict, ...kept, model: to.model(verdict.model), reason: to.text(verdict.reason) };
  return { ...verdict, ...kept, ...(verdict.reason === undefined ? {} : { reason: to.text(verdict.reason) }) };
}

/** A line of somebody's program may say anything. */
function faultOf(fault: PolicyFaultData, to: Disguise): PolicyFaultData {
  return { ...fault, message: to.text(fault.message), file: to.path(fault.file), excerpt: null };
}
