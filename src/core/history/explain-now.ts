/**
 * What every waiting request waits for at this moment, from the live state alone. Pure; one line per request.
 */
import type { ModelId, Position, RequestKey, SwapId } from '../ids.ts';
import type { ModelState, RequestState, State, SwapState } from '../state.ts';
import type { ExplainOptions, Explanation } from './explanation.ts';
import { formatClock, formatDuration, list } from './format.ts';

/** What a request waits on. `unknown` must not happen (design section 7, invariant 5). */
export type WaitsOn = 'stop' | 'memory' | 'start' | 'drain' | 'planner' | 'swap' | 'until' | 'pin' | 'turn' | 'unknown';

export interface NowFacts {
  position: Position;
  waiting: {
    request: RequestKey;
    id: string;
    model: ModelId;
    client: string;
    ageMs: number;
    on: WaitsOn;
    reason: string;
    until: number | null;
    swap: SwapId | null;
  }[];
}

/** One sentence and one record for each waiting request, oldest first. */
export function explainNow(state: Readonly<State>, options: ExplainOptions): Explanation<NowFacts> {
  const waiting: NowFacts['waiting'] = [];
  const text: string[] = [];
  for (const request of state.requests.values()) {
    if (request.granted !== null) continue;
    const wait = waitOf(state, request, options);
    const { key, id, model, client } = request;
    const ageMs = options.now - request.arrivedAt;
    waiting.push({ request: key, id, model, client, ageMs, ...wait });
    const until = wait.until === null ? '' : ` (until ${formatClock(wait.until, options)} at the latest)`;
    const who = request.kind === 'idle' ? 'a load of turnout itself' : `request ${id} of client "${client}"`;
    text.push(`${who} waits ${formatDuration(ageMs)} for ${model}: ${wait.reason}${until}`);
  }
  if (text.length === 0) text.push('no request waits');
  return { text, facts: { position: state.position, waiting } };
}

type Wait = Pick<NowFacts['waiting'][number], 'on' | 'reason' | 'until' | 'swap'>;

function waitOf(state: Readonly<State>, request: RequestState, options: ExplainOptions): Wait {
  const model = state.models.get(request.model);
  if (model === undefined) return { on: 'unknown', reason: 'its model is gone', until: null, swap: null };
  const swap = [...state.swaps.values()].find((one) => one.target === model.id) ?? null;
  if (model.run?.phase === 'starting') {
    const reason = `${model.id} is starting for ${formatDuration(options.now - model.run.startingAt)}${usually(model)}`;
    return { on: 'start', reason, until: model.run.deadline, swap: swap?.id ?? null };
  }
  if (swap?.memoryWait?.over === false) {
    const { since, until } = swap.memoryWait;
    const reason = `the memory of ${list(swap.evict)} is not free yet, for ${formatDuration(options.now - since)}`;
    return { on: 'memory', reason, until, swap: swap.id };
  }
  if (swap !== null) return { on: 'stop', reason: stopWords(state, swap, options), until: null, swap: swap.id };
  if (state.drain?.evict.includes(model.id) === true) {
    const reason = `${state.drain.target} had waited too long and is served first`;
    return { on: 'drain', reason, until: state.drain.until, swap: state.drain.swap };
  }
  const { blocked } = model;
  if (blocked !== null)
    return { on: blocked.on, reason: blocked.reason, until: blockedUntil(state, request), swap: null };
  if (model.run?.phase === 'stopping') {
    return { on: 'stop', reason: `the former run of ${model.id} is stopping`, until: model.run.killAt, swap: null };
  }
  return { on: 'unknown', reason: 'nothing is recorded that it waits for', until: null, swap: null };
}

/** A hold may last for ever, but no wait does; what is recorded of it is only when it is looked at again. */
function blockedUntil(state: Readonly<State>, { model, arrivedAt }: RequestState): number | null {
  const blocked = state.models.get(model)?.blocked ?? null;
  if (blocked?.on === 'pin') return arrivedAt + state.settings.queueTimeoutMs;
  return blocked?.until ?? null;
}

function stopWords(state: Readonly<State>, swap: SwapState, options: ExplainOptions): string {
  const stopping = swap.evict
    .map((id) => state.models.get(id))
    .filter((model) => model !== undefined && model.run !== null)
    .map((model) => stoppingWords(model as ModelState, options));
  return stopping.length === 0 ? `${swap.target} starts next` : `${list(stopping)} first`;
}

function stoppingWords(model: ModelState, options: ExplainOptions): string {
  if (model.run?.phase !== 'stopping') return `${model.id} must be stopped`;
  return `${model.id} is stopping for ${formatDuration(options.now - model.run.since)}`;
}

function usually(model: ModelState): string {
  const last = model.loadMs.at(-1);
  return last === undefined ? '' : `, its last start took ${formatDuration(last)}`;
}
