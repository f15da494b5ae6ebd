/**
 * `GET /api/ps`: what every model, waiting request and swap is doing at this moment. Times are milliseconds.
 */
import type { ModelState, RequestState, State, SwapState } from '../../core/state.ts';
import type { ApiContext, App } from '../context.ts';

export function processes(app: App, ctx: ApiContext): void {
  const state = app.router.state();
  const now = app.router.now();
  const { models } = app.router.config();
  // those that left the configuration only while something of them lives
  const listed = [...state.models.values()].filter((model) => model.configured || model.run !== null);
  ctx.body = {
    models: listed.map((model) => modelRow(model, models.get(model.id)?.name ?? '', now)),
    waiting: waitingRows(state, now),
    swaps: [...state.swaps.values()].map((swap) => swapRow(swap, now)),
  };
}

function modelRow(model: ModelState, name: string, now: number) {
  const { run, settings } = model;
  return {
    id: model.id,
    name,
    phase: run?.phase ?? 'stopped',
    run: run?.run ?? null,
    pid: run?.pid ?? null,
    port: run?.port ?? null,
    inFlight: model.serving.size,
    waiting: model.waiting.size,
    idleMs: model.serving.size > 0 ? 0 : model.idleSince === null ? null : now - model.idleSince,
    ttlMs: settings.ttlMs,
    backoff: model.backoff,
    blocked: model.blocked,
    loadMs: run?.phase === 'ready' ? run.loadMs : (model.loadMs.at(-1) ?? null),
  };
}

function waitingRows(state: Readonly<State>, now: number) {
  const waiting = [...state.requests.values()].filter((request) => request.granted === null);
  return waiting.map((request) => waitingRow(state, request, now));
}

function waitingRow(state: Readonly<State>, request: RequestState, now: number) {
  const { id, model, asked, client, session, priority, streaming, arrivedAt } = request;
  const blocked = state.models.get(model)?.blocked ?? null;
  return { id, model, asked, client, session, priority, streaming, ageMs: now - arrivedAt, blocked };
}

function swapRow({ id, target, evict, drain, startedAt, run }: SwapState, now: number) {
  return { id, target, evict, drain, run, phase: run === null ? 'stopping' : 'starting', ageMs: now - startedAt };
}
