/**
 * The budget planner: every model takes so much memory of so many devices, and whoever is cheapest to bring back makes
 * room. Groups are not looked at. Pure; answers at once. Must never say anything that the law of core/memory.ts forbids.
 */
import type { Alternative, Verdict } from '../core/events.ts';
import type { ModelId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { excess, fits, reserve, shareOf } from '../core/memory.ts';
import type { BuiltInPlanner, Hints } from '../core/plan.ts';
import type { Memory, Settings } from '../core/settings.ts';
import type { Candidate, View } from '../core/view.ts';
import { aliveBeside, HARD, type Room, roomFor, type Tenant, wantedBy } from './budget-room.ts';
import { cheapestSets } from './budget-search.ts';
import { fitsWords, leaveWords, namesOf, needWords, tooLargeWords } from './budget-words.ts';
import { heldVerdict } from './held.ts';

/** `sizeOf`: what is reserved for a model that is alive or about to start, else what its next run is expected to take. */
export function budgetPlanner(settings: Settings, sizeOf: (model: ModelId) => Memory | null): BuiltInPlanner {
  const { devices } = settings;
  const settingsOf = new Map(settings.models.map((model) => [model.id, model]));
  const roomIn = (view: View, hints: Hints) => roomFor(view, hints, devices, settingsOf);
  return {
    name: 'budget',
    version: '1',
    evictsWhenReady: false,
    requires: (target, alive) => inTheWay(devices, sizeOf, target, alive),
    candidates: (view, hints) => candidatesIn(roomIn(view, hints), view),
    plan: (view, hints) => plan(view, hints, devices, roomIn),
  };
}

/** Those of `alive` that cannot all stay beside the target; empty exactly when it fits beside all of them. */
function inTheWay(
  devices: Settings['devices'],
  sizeOf: (model: ModelId) => Memory | null,
  target: ModelId,
  alive: Iterable<ModelId>,
): ModelId[] {
  const wanted = sizeOf(target);
  const others: { id: ModelId; memory: Memory | null }[] = [];
  const memories = [wanted];
  for (const id of alive) {
    if (id === target) continue;
    const memory = sizeOf(id);
    others.push({ id, memory });
    memories.push(memory);
  }
  if (others.length === 0 || fits(devices, memories)) return [];
  if (wanted === null || !fits(devices, [wanted])) return others.map(({ id }) => id);
  const over = excess(devices, reserve(memories));
  const takes = (memory: Memory) =>
    (over.pool > 0 && shareOf(devices, memory, null) > 0) ||
    Object.keys(over.byDevice).some((device) => shareOf(devices, memory, device) > 0);
  return others.filter(({ memory }) => memory === null || takes(memory)).map(({ id }) => id);
}

function candidatesIn(room: Room, view: View): Candidate[] {
  if (room.needs.length === 0) {
    const reason = fitsWords(view.target, room.wanted, aliveBeside(view).length);
    return [{ evict: [], frees: 0, reloadMs: 0, reason }];
  }
  return cheapestSets(room.needs, room.tenants, HARD.drained, LIMITS.candidatesMax).map((set) => ({
    evict: set.map(({ id }) => id),
    frees: set.reduce((sum, { bytes }) => sum + bytes, 0),
    reloadMs: set.reduce((sum, { costMs }) => sum + costMs, 0),
    reason: leaveWords(set),
  }));
}

type RoomIn = (view: View, hints: Hints) => Room;

function plan(view: View, hints: Hints, devices: Settings['devices'], roomIn: RoomIn): Verdict {
  const { target } = view;
  const model = view.models.find(({ id }) => id === target);
  const tooLarge = tooLargeWords(target, model?.memory.declared ?? null, devices);
  if (tooLarge !== null) return { action: 'reject', status: 503, reason: tooLarge };
  const evictor = view.swaps.find(({ evict }) => evict.includes(target));
  if (evictor !== undefined) return { action: 'wait', reason: `the swap to ${evictor.target} comes first` };
  if (model?.phase === 'stopping') return { action: 'wait', reason: `${target} is stopping and is started again then` };
  const [best] = view.candidates;
  if (best?.evict.length === 0) return { action: 'swap', evict: [], reason: best.reason };
  const coming = roomComing(view, devices);
  if (coming !== null) return { action: 'wait', reason: coming };
  const room = roomIn(view, hints);
  const need = needWords(target, devices, room, aliveBeside(view));
  if (best === undefined) return blockedVerdict(view, hints, room, need);
  return {
    action: 'swap',
    evict: best.evict,
    reason: `${need}: ${best.reason}`,
    alternatives: alternativesAmong(view.candidates),
  };
}

/** What to wait for when what stops already is all that is in the way; null when it is not. */
function roomComing(view: View, devices: Settings['devices']): string | null {
  const leaving = new Set(view.swaps.flatMap((swap) => swap.evict));
  const alive = aliveBeside(view);
  const staying = alive.filter((model) => model.phase !== 'stopping' && !leaving.has(model.id));
  const wanted = wantedBy(view, devices);
  if (!fits(devices, [wanted, ...staying.map((model) => model.memory.counts)])) return null;
  const names = alive.filter((model) => !staying.includes(model)).map((model) => model.id);
  return `${namesOf(names)} ${names.length === 1 ? 'is' : 'are'} stopping, which makes enough room`;
}

/** Nothing may be evicted that would make enough room now: who would have to leave says what the request gets. */
function blockedVerdict(view: View, hints: Hints, room: Room, need: string): Verdict {
  const [set = []] = cheapestSets(room.needs, room.tenants, HARD.held, 1);
  const hardest = (hard: number): Tenant[] => set.filter((one) => one.hard === hard);
  const held = hardest(HARD.held);
  if (held.length > 0) return heldVerdict(view, held, hints, need);
  const wished = hardest(HARD.wished);
  if (wished.length > 0) return heldVerdict(view, wished, hints, need);
  const names = new Set(hardest(HARD.swap).map(({ id }) => swapWith(view, id)));
  return { action: 'wait', reason: `${need}: ${namesOf([...names])} ${names.size === 1 ? 'comes' : 'come'} first` };
}

/** The target of the swap that holds this model; itself when it only stops. */
function swapWith(view: View, id: ModelId): ModelId {
  return view.swaps.find((swap) => swap.target === id || swap.evict.includes(id))?.target ?? id;
}

function alternativesAmong(candidates: readonly Candidate[]): Alternative[] {
  return candidates.slice(1, 1 + LIMITS.alternativesMax).map(({ evict, reloadMs, reason }) => {
    return { evict, costMs: reloadMs, reason };
  });
}
