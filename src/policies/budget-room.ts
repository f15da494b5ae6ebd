/**
 * The room that a target needs, as numbers: what is missing where, and who could give how much of it. The law itself is
 * core/memory.ts. Pure. Must never choose.
 */
import type { ModelId } from '../core/ids.ts';
import { excess, fits, reserve, shareOf, totalOf } from '../core/memory.ts';
import type { Hints } from '../core/plan.ts';
import type { Memory, ModelSettings, Settings } from '../core/settings.ts';
import type { ModelView, View } from '../core/view.ts';
import { evictionCostMs } from './budget-cost.ts';

/** What it takes to evict a model; a set is as hard as the hardest in it. */
export const HARD = {
  /** Nobody is served by it (or it is stopping already). */
  idle: 0,
  /** It has to become idle first. */
  busy: 1,
  /** A committed drain needs it. */
  drained: 2,
  /** A swap under way holds it. */
  swap: 3,
  /** Whoever delegated does not want it. */
  wished: 4,
  /** Pinned or protected. */
  held: 5,
} as const;

/** Something that is missing: bytes on a device, bytes of the whole pool (`null`), or models whose size nobody knows. */
export interface Need {
  of: { device: string | null } | 'unknown';
  missing: number;
}

/** A model that holds memory beside the target. */
export interface Tenant {
  id: ModelId;
  model: ModelView;
  hard: number;
  /** By which sets are compared: 0 for what is evicted gladly. */
  rank: number;
  /** Expected ms of loading it again. */
  costMs: number;
  /** What its leaving gives to each need, in their order. */
  gives: number[];
  bytes: number;
}

export interface Room {
  /** null = not known, so it gets everything. */
  wanted: Memory | null;
  /** Empty when the target fits beside everything that is there. */
  needs: Need[];
  /** Least recently used first. */
  tenants: Tenant[];
}

/** Models that hold memory, or are about to: it counts from the decision to start them to their confirmed exit. */
export function aliveBeside(view: View): ModelView[] {
  const coming = new Set(view.swaps.map((swap) => swap.target));
  return view.models.filter((model) => (model.phase !== 'stopped' || coming.has(model.id)) && model.id !== view.target);
}

/** What a target gets: a size that does not fit even alone (the devices shrank under it) counts as everything. */
export function wantedBy(view: View, devices: Settings['devices']): Memory | null {
  const counts = view.models.find((model) => model.id === view.target)?.memory.counts ?? null;
  return fits(devices, [counts]) ? counts : null;
}

export function roomFor(
  view: View,
  hints: Hints,
  devices: Settings['devices'],
  settingsOf: ReadonlyMap<ModelId, ModelSettings>,
): Room {
  const wanted = wantedBy(view, devices);
  const alive = aliveBeside(view);
  const needs = needsOf(devices, wanted, alive);
  if (needs.length === 0) return { wanted, needs, tenants: [] };
  const pool = shareOf(devices, Object.fromEntries(devices.map(({ id, bytes }) => [id, bytes])), null);
  const tenants = alive.map((model): Tenant => {
    const { counts } = model.memory;
    const hard = hardness(view, model, hints);
    const costMs = evictionCostMs(view, model, settingsOf.get(model.id));
    return {
      id: model.id,
      model,
      hard,
      rank: hard === HARD.held ? waitMs(model, view.now) : hints.prefer.includes(model.id) ? 0 : costMs,
      costMs,
      gives: needs.map(({ of }) => {
        if (of === 'unknown') return wanted === null || counts === null ? 1 : 0;
        return counts === null ? 0 : shareOf(devices, counts, of.device);
      }),
      bytes: counts === null ? pool : totalOf(counts),
    };
  });
  return { wanted, needs, tenants: tenants.sort((a, b) => unusedMs(b.model) - unusedMs(a.model)) };
}

function needsOf(devices: Settings['devices'], wanted: Memory | null, alive: readonly ModelView[]): Need[] {
  if (wanted === null) return alive.length === 0 ? [] : [{ of: 'unknown', missing: alive.length }];
  const memories = alive.map((model) => model.memory.counts);
  if (fits(devices, [wanted, ...memories])) return [];
  const known = memories.filter((memory) => memory !== null);
  const over = excess(devices, reserve([wanted, ...known]));
  const needs: Need[] = Object.entries(over.byDevice).map(([device, missing]) => ({ of: { device }, missing }));
  if (over.pool > 0) needs.push({ of: { device: null }, missing: over.pool });
  if (known.length < memories.length) needs.push({ of: 'unknown', missing: memories.length - known.length });
  return needs;
}

function hardness(view: View, model: ModelView, hints: Hints): number {
  const rule = model.evictable === true ? null : model.evictable.rule;
  if (rule === 'swap') return HARD.swap;
  const held = model.pinned !== null || model.protected;
  const wished = hints.protect.includes(model.id);
  if (model.phase === 'stopping') return held || wished ? HARD.swap : HARD.idle;
  if (held) return HARD.held;
  if (wished) return HARD.wished;
  if (view.draining?.target === model.id || view.draining?.evict.includes(model.id)) return HARD.drained;
  return rule === null ? HARD.idle : HARD.busy;
}

/** Among held models those are named whose hold ends first. */
function waitMs({ pinned, protected: firm }: ModelView, now: number): number {
  if (firm || pinned?.until == null) return 1e12;
  return Math.max(0, pinned.until - now);
}

/** What stops is no more of use to anybody; what is busy or loading is of use now. */
function unusedMs(model: ModelView): number {
  return model.phase === 'stopping' ? Number.MAX_SAFE_INTEGER : (model.idleMs ?? 0);
}
