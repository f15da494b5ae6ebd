/**
 * The sentences of the budget planner. Those of a swap that has to wait must not change with every second: a reason that
 * changes is an event each time.
 */
import { formatAbout, formatRough, formatSize, list } from '../core/history/format.ts';
import type { ModelId } from '../core/ids.ts';
import { excess, poolOf, reserve, shareOf } from '../core/memory.ts';
import type { Memory, Settings } from '../core/settings.ts';
import type { ModelView } from '../core/view.ts';
import { reloadMs } from './budget-cost.ts';
import { HARD, type Need, type Room, type Tenant } from './budget-room.ts';

type Devices = Settings['devices'];

const NAMED_MAX = 4;

/** What is needed and how much of it is free: `12 GiB on gpu0 are needed and 4 GiB are free`. */
export function needWords(target: ModelId, devices: Devices, room: Room, alive: readonly ModelView[]): string {
  const { wanted, needs } = room;
  if (wanted === null) return `how much ${target} takes is not known yet, so it gets everything`;
  const words = worthTelling(needs, devices).map(({ of, missing }) => {
    return of === 'unknown' ? unknownWords(alive) : shortWords(wanted, missing, of.device, devices);
  });
  return words.join(', and ');
}

function unknownWords(alive: readonly ModelView[]): string {
  const unknown = alive.filter((model) => model.memory.counts === null).map((model) => model.id);
  return `how much ${namesOf(unknown)} ${unknown.length === 1 ? 'takes' : 'take'} is not known yet`;
}

function shortWords(wanted: Memory, missing: number, device: string | null, devices: Devices): string {
  const bytes = shareOf(devices, wanted, device);
  const place = placeName(device, devices);
  if (bytes < missing) return `${formatSize(missing - bytes)} too much of ${place} is taken`;
  const [needed, free] = [formatSize(bytes), formatSize(bytes - missing)];
  if (needed === free) return `${needed} on ${place} are needed, ${formatSize(missing)} more than are free`;
  return `${needed} on ${place} are needed and ${free} are free`;
}

/** That nothing has to leave. */
export function fitsWords(target: ModelId, wanted: Memory | null, alive: number): string {
  if (wanted === null) return `how much ${target} takes is not known yet, and nothing else is loaded`;
  return alive === 0 ? `nothing else is loaded` : `${target} fits beside what is loaded`;
}

/** Why a declared size can never be had; null when it can. */
export function tooLargeWords(target: ModelId, declared: Memory | null, devices: Devices): string | null {
  if (declared === null) return null;
  const over = excess(devices, reserve([declared]));
  const places = Object.keys(over.byDevice).map((device) => sumWords(declared, device, devices));
  if (over.pool > 0) places.push(sumWords(declared, null, devices));
  return places.length === 0 ? null : `${target} needs ${list(places)}`;
}

function sumWords(declared: Memory, device: string | null, devices: Devices): string {
  const places = device === null ? poolOf(devices) : devices.filter(({ id }) => id === device);
  const needed = formatSize(shareOf(devices, declared, device));
  const total = formatSize(places.reduce((sum, { bytes }) => sum + bytes, 0));
  const place = placeName(device, devices);
  return places.length === 1 ? `${needed} on ${place}, which has ${total}` : `${needed}, and ${place} have ${total}`;
}

/** Who leaves and what is known of each: `small leaves (idle 4 min, about 20 s to load again, last asked 4 min ago)`. */
export function leaveWords(set: readonly Tenant[]): string {
  const settled = set.every((one) => one.hard === HARD.idle);
  const [only] = set;
  if (only !== undefined && set.length === 1) return `${only.id} leaves (${factsOf(only.model, settled)})`;
  const told = set.slice(0, NAMED_MAX).map(({ id, model }) => `${id} (${factsOf(model, settled)})`);
  if (set.length > NAMED_MAX) told.push(`${set.length - NAMED_MAX} more`);
  return `${list(told)} leave`;
}

function factsOf(model: ModelView, settled: boolean): string {
  if (model.phase === 'stopping') return 'stopping already';
  const reload = `${formatAbout(reloadMs(model))} to load again`;
  if (model.evictable !== true) return `${BUSY_WORDS[model.evictable.rule] ?? 'not idle yet'}, ${reload}`;
  if (!settled) return `idle, ${reload}`;
  const asked = model.askedAgoMs[0];
  const last = asked === undefined ? 'never asked for' : `last asked ${formatRough(asked)} ago`;
  return model.idleMs === null ? `${reload}, ${last}` : `idle ${formatRough(model.idleMs)}, ${reload}, ${last}`;
}

const BUSY_WORDS: Partial<Record<string, string>> = {
  busy: 'busy',
  lease: 'just loaded for others',
  minResidency: 'in its minimum residency',
};

export function namesOf(ids: readonly ModelId[]): string {
  return list(ids.length > NAMED_MAX ? [...ids.slice(0, NAMED_MAX), `${ids.length - NAMED_MAX} more`] : ids);
}

/** With one device in the pool, that device and the pool are the same: the pool's sum holds both kinds of sizes. */
function worthTelling(needs: readonly Need[], devices: Devices): Need[] {
  const pool = poolOf(devices);
  const whole = needs.some(({ of }) => of !== 'unknown' && of.device === null);
  if (!whole || pool.length !== 1) return [...needs];
  return needs.filter(({ of }) => of === 'unknown' || of.device !== pool[0]?.id);
}

function placeName(device: string | null, devices: Devices): string {
  if (device !== null) return device;
  const pool = poolOf(devices);
  if (pool.length === 0) return 'devices (turnout.devices names none)';
  return pool.length === 1 ? (pool[0]?.id as string) : `${list(pool.map(({ id }) => id))} together`;
}
