/**
 * What a request gets when every way to make room for it would evict a model that must stay: a pin, a protection of the
 * configuration, or the wish of a policy. One answer for all built-in planners. Must never decide whether that is so.
 */
import type { Verdict } from '../core/events.ts';
import { list } from '../core/history/format.ts';
import type { ModelId } from '../core/ids.ts';
import type { Hints } from '../core/plan.ts';
import { retryAfterSec } from '../core/rules.ts';
import type { ModelView, View } from '../core/view.ts';

const MINUTE_MS = 60_000;
const NAMED_MAX = 4;

/**
 * `held`: the models in the way. Pins and protections are answered as `view.whenProtected` says; where only the hints'
 * `protect` is in the way the request waits. `need`: what is wanted, put before the reason ("12 GiB are needed ...").
 */
export function heldVerdict(view: View, held: readonly { id: ModelId }[], hints: Hints, need?: string): Verdict {
  const before = need ?? `${view.target} cannot be loaded beside what is there`;
  const inTheWay = view.models.filter((model) => held.some(({ id }) => id === model.id));
  const firm = inTheWay.filter((model) => model.pinned !== null || model.protected);
  if (firm.length === 0) {
    return { action: 'wait', reason: `${before}, but ${named(inTheWay, (model) => wishedBy(model, hints))}` };
  }
  const reason = `${before}, but ${named(firm, (model) => heldWords(model, view.now))}`;
  if (view.whenProtected === 'queue') return { action: 'wait', on: 'pin', reason };
  const until = freeAt(firm);
  const again = until === null ? {} : { retryAfterSec: retryAfterSec(until, view.now) };
  return { action: 'reject', status: 503, ...again, reason };
}

/** When the last pin ends; null when something stays for good. */
function freeAt(firm: readonly ModelView[]): number | null {
  let at = 0;
  for (const model of firm) {
    const until = model.protected ? null : (model.pinned?.until ?? null);
    if (until === null) return null;
    at = Math.max(at, until);
  }
  return at;
}

function named(models: readonly ModelView[], words: (model: ModelView) => string): string {
  const told = models.slice(0, NAMED_MAX).map(words);
  if (models.length > NAMED_MAX) told.push(`${models.length - NAMED_MAX} more must stay`);
  return list(told);
}

function wishedBy({ id }: ModelView, hints: Hints): string {
  return hints.protect.includes(id) ? `${id} is to be kept` : `${id} cannot leave now`;
}

function heldWords({ id, pinned }: ModelView, now: number): string {
  if (pinned === null) return `${id} is protected by the configuration (turnout.protect)`;
  const { owner, until } = pinned;
  return `${id} is pinned by ${owner}${until === null ? ' until it is unpinned' : ` for another ${roughly(until - now)}`}`;
}

/** In whole minutes, above an hour in steps of five: a reason that changes is an event each time. */
function roughly(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / MINUTE_MS));
  if (minutes < 60) return `${minutes} min`;
  const rounded = Math.ceil(minutes / 5) * 5;
  const [hours, rest] = [Math.floor(rounded / 60), rounded % 60];
  if (hours >= 48) return `${Math.ceil(hours / 24)} d`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
