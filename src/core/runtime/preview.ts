/**
 * The dry run: what a request for a model would lead to at this moment. Asks `decide` and the planner as a real request
 * would, on a copy of the state in which that request waits, and throws their answers away. Must never post an input, nor
 * change the state that it is given.
 */
import { staysUntil, staysWords } from '../anti-thrash.ts';
import { decide } from '../decide.ts';
import { loadEstimateMs, stopEstimateMs } from '../estimates.ts';
import { type Draft, type EventOf, type TurnoutEvent, VERSION, type Verdict } from '../events.ts';
import { evolve } from '../evolve.ts';
import { type ModelId, requestId } from '../ids.ts';
import { memoryOf } from '../memory.ts';
import { NO_HINTS } from '../plan.ts';
import { checkVerdict, disturbsDrain } from '../referee.ts';
import { busyWords, drainComesFirst, mayLeave, mustGet, swapTo } from '../rules.ts';
import type { ModelState, State } from '../state.ts';
import { buildSharedView, viewFor } from '../view.ts';
import { type PlannerSeat, resolve } from './asking.ts';
import type { PlanPreview, PreviewEta, PreviewVictim } from './preview-types.ts';

const WHO = requestId('preview');

export async function previewPlan(
  state: Readonly<State>,
  seat: PlannerSeat,
  target: ModelId,
  now: number,
): Promise<PlanPreview> {
  const model = mustGet(state, target);
  const drafts = arrivalOf(state, seat, target, now);
  const preview: PlanPreview = {
    model: target,
    phase: model.run?.phase ?? 'stopped',
    verdict: 'serve',
    planner: null,
    reason: `${target} is ready`,
    memory: memoryOf(state, model),
    evict: [],
    alternatives: [],
    refusal: null,
    redirectTo: null,
    waitsFor: null,
    etaMs: etaOf(state, model, [], now),
  };
  const rejected = find(drafts, 'request.rejected');
  if (rejected !== undefined) {
    const { status, code, reason, retryAfterSec } = rejected.data;
    return { ...preview, verdict: 'reject', reason, refusal: { status, code, retryAfterSec }, etaMs: NEVER };
  }
  const moved = find(drafts, 'request.redirected');
  if (moved !== undefined) {
    return { ...preview, verdict: 'redirect', reason: moved.data.reason, redirectTo: moved.data.to, etaMs: AT_ONCE };
  }
  if (find(drafts, 'request.granted') !== undefined) return { ...preview, etaMs: AT_ONCE };
  const swap = swapTo(state, target);
  if (swap !== null || model.run?.phase === 'starting') {
    return { ...preview, verdict: 'join', reason: `${target} is being loaded already` };
  }
  const then = withArrival(state, target, drafts, now);
  return { ...preview, ...(await asked(then, seat, mustGet(then, target), now)) };
}

const AT_ONCE: PreviewEta = { total: 0, wait: 0, stopMs: 0, loadMs: 0, basis: 'observed', loadsObserved: 0 };
const NEVER: PreviewEta = { ...AT_ONCE, total: null, wait: 'unknown' };

/** What would be written if such a request came now; `decide` changes nothing. */
function arrivalOf(state: Readonly<State>, seat: PlannerSeat, model: ModelId, now: number): Draft[] {
  const asked = { asked: model, client: 'preview', session: null, method: 'POST', endpoint: '', bytes: 0 };
  const arrival = { id: WHO, kind: 'inference' as const, model, streaming: false, ...asked };
  return decide(state, { type: 'http.request', arrival }, now, seat.fallback);
}

/** The state in which that request waits, and all else is as it is: what is folded into is a copy. */
function withArrival(state: Readonly<State>, target: ModelId, drafts: readonly Draft[], now: number): Readonly<State> {
  const then: State = {
    ...state,
    models: new Map(state.models).set(target, structuredClone(mustGet(state, target))),
    requests: new Map(state.requests),
    targets: new Set(state.targets),
  };
  const arrived = drafts.find((draft) => draft.type === 'request.arrived');
  if (arrived !== undefined) {
    evolve(then, { ...arrived, position: state.position + 1, at: now, version: VERSION[arrived.type] } as TurnoutEvent);
  }
  return then;
}

function find<T extends Draft['type']>(drafts: readonly Draft[], type: T): Pick<EventOf<T>, 'data'> | undefined {
  return drafts.find((draft) => draft.type === type) as Pick<EventOf<T>, 'data'> | undefined;
}

/** The planner's answer, checked as a real one is; the fallback's where that one fails. */
async function asked(
  state: Readonly<State>,
  seat: PlannerSeat,
  model: ModelState,
  now: number,
): Promise<Partial<PlanPreview>> {
  const view = viewFor(state, buildSharedView(state, now), model.id);
  view.candidates = seat.fallback.candidates(view, NO_HINTS);
  const fallback = () => ({
    verdict: seat.fallback.plan(view, NO_HINTS),
    by: seat.fallback,
    via: seat.planner === null ? ('live' as const) : ('fallback' as const),
  });
  let answer: ReturnType<typeof resolve> = fallback();
  if (seat.planner !== null) {
    try {
      const said = await seat.planner.plan(view, state.seed);
      answer = resolve('verdict' in said ? said.verdict : said, seat, view, NO_HINTS);
      if (checkVerdict(state, model.id, answer.verdict, seat.fallback) !== null) answer = fallback();
    } catch {
      answer = fallback(); // a policy that fails costs its say, here as in earnest; the host tells of it
    }
  }
  const { by, via } = answer;
  const verdict = afterDrain(state, model.id, answer.verdict, seat);
  const evict = verdict.action === 'swap' ? verdict.evict.flatMap((id) => state.models.get(id) ?? []) : [];
  const ids = evict.map((victim) => victim.id);
  const wanted = { evict: ids, drain: verdict.action === 'swap' && verdict.when === 'drain' };
  const busy = ids.some((id) => !mayLeave(mustGet(state, id), now));
  const calm = staysUntil(state, model, wanted) > now ? staysWords(state, model, wanted, now) : null;
  return {
    verdict: verdict.action,
    planner: { name: by.name, version: by.version, via },
    reason: verdict.reason,
    evict: evict.map((victim) => victimOf(state, victim, now)),
    alternatives: 'alternatives' in verdict ? (verdict.alternatives ?? []) : [],
    refusal: refusalOf(verdict),
    redirectTo: verdict.action === 'redirect' ? verdict.model : null,
    waitsFor: busy ? busyWords(state, ids, now) : verdict.action === 'wait' ? verdict.reason : calm,
    etaMs: verdict.action === 'swap' ? etaOf(state, model, evict, now, wanted.drain) : NEVER,
  };
}

/** What a committed drain has reserved is not taken: whoever would have to waits for its end, as in earnest. */
function afterDrain(state: Readonly<State>, target: ModelId, verdict: Verdict, { fallback }: PlannerSeat): Verdict {
  if (verdict.action !== 'swap' || !disturbsDrain(state, target, verdict.evict, fallback)) return verdict;
  return { action: 'wait', reason: drainComesFirst(state) };
}

function refusalOf(verdict: Verdict): PlanPreview['refusal'] {
  if (verdict.action !== 'reject') return null;
  return { status: verdict.status, code: 'planner-refused', retryAfterSec: verdict.retryAfterSec ?? null };
}

function victimOf(state: Readonly<State>, victim: ModelState, now: number): PreviewVictim {
  return {
    id: victim.id,
    phase: victim.run?.phase ?? 'stopped',
    inFlight: victim.serving.size,
    idleMs: victim.idleSince === null ? null : now - victim.idleSince,
    lastClient: victim.lastClient,
    memory: memoryOf(state, victim),
    reloadMs: loadEstimateMs(victim),
    loadsObserved: victim.loadMs.length,
    cachedTokens: victim.cache?.tokens ?? null,
    pinned: victim.pin,
  };
}

function etaOf(
  state: Readonly<State>,
  model: ModelState,
  evict: readonly ModelState[],
  now: number,
  drain = false,
): PreviewEta {
  const { run } = model;
  const estimate = loadEstimateMs(model);
  const loadMs =
    run?.phase === 'ready' ? 0 : run?.phase === 'starting' ? Math.max(0, run.startingAt + estimate - now) : estimate;
  let stopMs = 0;
  for (const victim of evict) if (victim.run !== null) stopMs = Math.max(stopMs, stopEstimateMs(victim));
  const stays = staysUntil(state, model, { evict: evict.map((victim) => victim.id), drain });
  const busy = evict.some((victim) => !mayLeave(victim, now));
  const wait = busy ? ('unknown' as const) : Math.max(0, stays - now);
  return {
    total: wait === 'unknown' ? null : wait + stopMs + loadMs,
    wait,
    stopMs,
    loadMs,
    basis: model.loadMs.length > 0 ? 'observed' : 'assumed',
    loadsObserved: model.loadMs.length,
  };
}
