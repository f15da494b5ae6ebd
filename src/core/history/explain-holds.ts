/**
 * What holds a model where it is, and what it holds: pins and protection, its idle time, its memory. In sentences; pure
 * over the state and the model's events.
 */
import type { EventOf } from '../events.ts';
import { expiresAt } from '../idle.ts';
import type { ModelId } from '../ids.ts';
import { observedOf } from '../memory.ts';
import type { Memory } from '../settings.ts';
import type { ModelState, State } from '../state.ts';
import type { EventIndex, ExplainOptions } from './explanation.ts';
import { count, formatClock, formatDuration, formatMemory, formatMoment, formatRough } from './format.ts';

export interface HoldFacts {
  pin: { owner: string; until: number | null } | null;
  protected: boolean;
  /** Bytes. `reserved`: while it is alive; null then means that its size is not known. */
  memory: { declared: Memory | null; observed: Record<string, number> | null; reserved: Memory | null };
}

export function holdFacts(state: Readonly<State>, model: ModelState): HoldFacts {
  return {
    pin: model.pin,
    protected: state.settings.protect.models.includes(model.id),
    memory: {
      declared: model.settings.memory,
      observed: observedOf(model.memorySamples),
      reserved: model.run?.memory ?? null,
    },
  };
}

export function holdSentences(
  state: Readonly<State>,
  model: ModelState,
  index: EventIndex,
  options: ExplainOptions,
): string[] {
  const { pin, protected: isProtected, memory } = holdFacts(state, model);
  const ended = pin === null ? unpinnedSentence(index, model.id, options) : pinSentence(index, model.id, pin, options);
  return [
    ...(ended === null ? [] : [ended]),
    ...(isProtected ? ['no request evicts it: it stands in turnout.protect'] : []),
    ...memorySentences(memory),
  ];
}

/** How long a ready model is idle, and when that ends it. */
export function idleSentence(state: Readonly<State>, model: ModelState, options: ExplainOptions): string {
  const { ttlMs } = model.settings;
  if (model.serving.size > 0) return `it serves ${count(model.serving.size, 'request')}`;
  const idleSince = model.idleSince ?? options.now;
  const idle = `it is idle for ${formatDuration(options.now - idleSince)}`;
  if (ttlMs === 0) return `${idle}; it has no ttl and stays until something else needs its place`;
  if (model.pin !== null) return `${idle}; it is not unloaded for that while it is pinned`;
  const at = expiresAt(state, model);
  if (!Number.isFinite(at)) return idle;
  const warm = at > idleSince + ttlMs ? ', when the time ends in which it is kept warm' : '';
  return `${idle}; with a ttl of ${formatDuration(ttlMs)} it is unloaded at ${formatClock(at, options)}${warm}`;
}

function pinSentence(
  index: EventIndex,
  model: ModelId,
  { owner, until }: NonNullable<ModelState['pin']>,
  options: ExplainOptions,
): string {
  const pinned = lastOf(index.of('model.pinned'), model);
  const since = pinned === null ? '' : ` since ${formatMoment(pinned.at, options)}`;
  const end =
    until === null
      ? 'until somebody unpins it'
      : `until ${formatMoment(until, options)}, for another ${formatRough(until - options.now)}`;
  return `it is pinned by ${owner}${since}, ${end}: no request evicts it`;
}

function unpinnedSentence(index: EventIndex, model: ModelId, options: ExplainOptions): string | null {
  const ended = lastOf(index.of('model.unpinned'), model);
  if (ended === null) return null;
  const { by, why } = ended.data;
  const at = formatMoment(ended.at, options);
  return why === 'operator' ? `it was unpinned ${at} by ${by}` : `the pin of ${by} ended ${at}`;
}

function lastOf<T extends EventOf<'model.pinned' | 'model.unpinned'>>(events: T[], model: ModelId): T | null {
  return events.filter((event) => event.model === model).at(-1) ?? null;
}

function memorySentences({ declared, observed, reserved }: HoldFacts['memory']): string[] {
  const parts = [
    ...(declared === null ? [] : [`${formatMemory(declared)} declared`]),
    ...(observed === null ? [] : [`${formatMemory(observed)} observed`]),
    ...(reserved === null ? [] : [`${formatMemory(reserved)} reserved for it now`]),
  ];
  return parts.length === 0 ? [] : [`memory: ${parts.join(', ')}`];
}
