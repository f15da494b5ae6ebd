/**
 * What is different between two moments: two pictures of the same shape, value by value. Ages and other figures that
 * change by time alone are left out. Pure; knows nothing of what the values mean.
 */
import type { Json } from '../config/canonical.ts';

/** One value that differs. `before` or `after` is undefined where that moment had no such thing. */
export interface Difference {
  /** What it belongs to, e.g. `models qwen`. */
  what: string;
  field: string;
  before?: Json;
  after?: Json;
}

/** They change while nothing happens. */
const BY_TIME = new Set(['at', 'position', 'ageMs', 'idleMs', 'sampledAgoMs']);

/** Differences in the order of the pictures. Swaps are known by their target, other things in lists by `id` or `slot`. */
export function diffPictures(before: { [key: string]: Json }, after: { [key: string]: Json }): Difference[] {
  const a = flatten(before);
  const b = flatten(after);
  const found: Difference[] = [];
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [one, other] = [a.get(key), b.get(key)];
    if (JSON.stringify(one) === JSON.stringify(other)) continue;
    const [what = '', field = ''] = key.split('\n');
    found.push({
      what,
      field,
      ...(one === undefined ? {} : { before: one }),
      ...(other === undefined ? {} : { after: other }),
    });
  }
  return collapsed(found, a, b);
}

/** Values by `what` and field, which lie on two lines of the key. */
function flatten(picture: { [key: string]: Json }): Map<string, Json> {
  const flat = new Map<string, Json>();
  for (const [name, value] of Object.entries(picture)) {
    if (BY_TIME.has(name)) continue;
    if (!Array.isArray(value)) flat.set(`turnout\n${name}`, value);
    else for (const item of value) addItem(flat, name, item);
  }
  return flat;
}

function addItem(flat: Map<string, Json>, list: string, item: Json): void {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return void flat.set(`${list}\n${item}`, item);
  const named = list === 'swaps' ? item['target'] : (item['id'] ?? item['slot']);
  const what = `${list} ${String(named ?? '')}`;
  for (const [field, value] of Object.entries(item)) if (!BY_TIME.has(field)) flat.set(`${what}\n${field}`, value);
}

/** A thing that came or went is one difference and not one for each of its fields. */
function collapsed(found: Difference[], a: Map<string, Json>, b: Map<string, Json>): Difference[] {
  const things = (flat: Map<string, Json>) => new Set([...flat.keys()].map((key) => key.split('\n')[0] ?? ''));
  const [had, has] = [things(a), things(b)];
  const told = new Set<string>();
  return found.flatMap((one): Difference[] => {
    const { what } = one;
    if (had.has(what) === has.has(what)) return [one];
    if (told.has(what)) return [];
    told.add(what);
    return [{ what, field: '', ...(had.has(what) ? { before: true } : { after: true }) }];
  });
}

const LABEL: Record<string, string> = { models: 'model', waiting: 'request', swaps: 'swap to', devices: 'device' };

/** One line for each difference: `model qwen: phase "stopped" -> "ready"`. */
export function diffLines(differences: readonly Difference[]): string[] {
  return differences.map(({ what, field, before, after }) => {
    const [list = '', ...name] = what.split(' ');
    const thing = [LABEL[list] ?? list, ...name].join(' ').trim();
    if (field === '') return before === undefined ? `${thing}: there now` : `${thing}: gone`;
    return `${thing}: ${field} ${shown(before)} -> ${shown(after)}`;
  });
}

/** Of what holds a reason that alone: the rest is for programs. */
function shown(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value ?? null);
  return JSON.stringify(value['reason'] ?? value['why'] ?? value);
}
