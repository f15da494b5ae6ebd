/**
 * `GET /api/ps`: what every model, waiting request, swap and device is doing at this moment. Times are milliseconds, sizes
 * bytes. Holds and memory are told as planners see them.
 */
import type { ModelId } from '../../core/ids.ts';
import { poolOf } from '../../core/memory.ts';
import { swapTo } from '../../core/rules.ts';
import type { ModelState, RequestState, State, SwapState } from '../../core/state.ts';
import { buildSharedView, type DeviceView, type ModelView } from '../../core/view.ts';
import type { ApiContext, App } from '../context.ts';

export function processes(app: App, ctx: ApiContext): void {
  const { models } = app.router.config();
  ctx.body = pictureOf(app.router.state(), app.router.now(), (id) => models.get(id)?.name ?? '');
}

/** The same of any state, also of one that is long past. */
export function pictureOf(state: Readonly<State>, now: number, nameOf: (id: ModelId) => string) {
  const view = buildSharedView(state, now);
  const seen = new Map(view.models.map((model) => [model.id, model]));
  // those that left the configuration only while something of them lives
  const listed = [...state.models.values()].filter((model) => model.configured || model.run !== null);
  return {
    models: listed.map((model) => ({
      ...modelRow(model, nameOf(model.id), now),
      ...holdsOf(model, seen.get(model.id)),
    })),
    waiting: waitingRows(state, now),
    swaps: [...state.swaps.values()].map((swap) => swapRow(swap, now)),
    devices: view.devices.map((device) => deviceRow(state, device, now)),
    reservedAnywhereBytes: reservedAnywhere(state, view.models),
    swapsAvoided: state.swapsAvoided,
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

/** `reserved`: while it is alive; null for one that is alive means that its size is not known. */
function holdsOf(model: ModelState, view: ModelView | undefined) {
  const { declared = null, observed = null } = view?.memory ?? {};
  return {
    pin: model.pin,
    protected: view?.protected ?? false,
    memory: { declared, observed, reserved: model.run?.memory ?? null },
  };
}

/** Bytes that are reserved without a device being named, where several could give them; else they stand at the device. */
function reservedAnywhere(state: Readonly<State>, models: readonly ModelView[]): number {
  if (poolOf(state.settings.devices).length < 2) return 0;
  let sum = 0;
  for (const { id, phase, memory } of models) {
    const coming = phase !== 'stopped' || swapTo(state, id) !== null;
    if (coming && typeof memory.counts === 'number') sum += memory.counts;
  }
  return sum;
}

/** `usedBytes` and `sampledAgoMs` are null without a tool that tells. */
function deviceRow(state: Readonly<State>, { id, totalBytes, reservedBytes }: DeviceView, now: number) {
  const seen = state.devices.get(id);
  return {
    id,
    totalBytes,
    reservedBytes,
    usedBytes: seen?.usedBytes ?? null,
    sampledAgoMs: seen === undefined ? null : now - seen.at,
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
