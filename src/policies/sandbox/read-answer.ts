/**
 * Reads the answer of a policy: exactly the known fields of the known kinds, copied one by one, so that nothing else comes
 * through. Whether a plan is legal is the kernel's question. Must never merge what came from the sandbox into anything.
 */

import { nearest } from '../../core/config/nearest.ts';
import type { Alternative } from '../../core/events.ts';
import type { ModelId, RequestId } from '../../core/ids.ts';
import { BOUNDS } from './bounds.ts';
import { plain } from './fault.ts';
import { isRecord, kindOf, show } from './option-values.ts';
import type { AnswerOf, Hook } from './types.ts';

export type ReadAnswer<H extends Hook> = { ok: true; answer: AnswerOf[H] } | { ok: false; message: string };

type Fields = Record<string, unknown>;

/** Says what is wrong; only thrown and caught here. */
class Nonsense extends Error {}

export function readAnswer<H extends Hook>(hook: H, json: string): ReadAnswer<H> {
  try {
    const told: unknown = JSON.parse(json);
    return { ok: true, answer: READ[hook](told) };
  } catch (error) {
    if (error instanceof Nonsense || error instanceof SyntaxError)
      return { ok: false, message: `${hook}(): ${error.message}` };
    if (error instanceof RangeError) return { ok: false, message: `${hook}(): the answer is nested too deeply` };
    throw error;
  }
}

const READ: { [H in Hook]: (told: unknown) => AnswerOf[H] } = {
  plan: (told) => {
    const verdict = record(told);
    return PLAN[oneOf(verdict, 'action', ['swap', 'wait', 'reject', 'redirect', 'delegate'])](verdict);
  },
  rank: (told) => ids('the order', told),
  idle: (told) => {
    const verdict = record(told);
    const action = oneOf(verdict, 'action', ['load', 'unload', 'none']);
    const more = {
      ...optional(verdict, 'wakeAt', (value) => number('wakeAt', value, 0)),
      ...optional(verdict, 'keep', keeps),
    };
    if (action !== 'none') {
      only(verdict, ['action', 'model', 'reason', 'wakeAt', 'keep']);
      return { action, model: id('model', verdict['model']), reason: reason(verdict), ...more };
    }
    only(verdict, ['action', 'reason', 'wakeAt', 'keep']);
    return { action, ...optional(verdict, 'reason', () => reason(verdict)), ...more };
  },
};

const PLAN: { [A in AnswerOf['plan']['action']]: (verdict: Fields) => AnswerOf['plan'] } = {
  swap: (verdict) => {
    only(verdict, ['action', 'evict', 'reason', 'when', 'alternatives']);
    return {
      action: 'swap',
      evict: ids('evict', verdict['evict']),
      reason: reason(verdict),
      ...optional(verdict, 'when', () => oneOf(verdict, 'when', ['idle', 'drain'])),
      ...optional(verdict, 'alternatives', alternatives),
    };
  },
  wait: (verdict) => {
    only(verdict, ['action', 'forMs', 'on', 'reason', 'alternatives']);
    return {
      action: 'wait',
      reason: reason(verdict),
      ...optional(verdict, 'forMs', (value) => number('forMs', value, 0)),
      ...optional(verdict, 'on', () => oneOf(verdict, 'on', ['pin'])),
      ...optional(verdict, 'alternatives', alternatives),
    };
  },
  reject: (verdict) => {
    only(verdict, ['action', 'status', 'retryAfterSec', 'reason', 'requests']);
    return {
      action: 'reject',
      status: oneOf(verdict, 'status', [409, 429, 503]),
      reason: reason(verdict),
      ...optional(verdict, 'retryAfterSec', (value) => {
        return Math.min(Math.ceil(number('retryAfterSec', value, 0)), BOUNDS.policyRetryAfterSecMax);
      }),
      ...optional(verdict, 'requests', (value) => ids<RequestId>('requests', value)),
    };
  },
  redirect: (verdict) => {
    only(verdict, ['action', 'model', 'reason', 'requests']);
    return {
      action: 'redirect',
      model: id('model', verdict['model']),
      reason: reason(verdict),
      ...optional(verdict, 'requests', (value) => ids<RequestId>('requests', value)),
    };
  },
  delegate: (verdict) => {
    only(verdict, ['action', 'planner', 'protect', 'prefer', 'reason']);
    return {
      action: 'delegate',
      ...optional(verdict, 'planner', () => oneOf(verdict, 'planner', ['group', 'matrix', 'budget'])),
      ...optional(verdict, 'protect', (value) => ids<ModelId>('protect', value)),
      ...optional(verdict, 'prefer', (value) => ids<ModelId>('prefer', value)),
      ...optional(verdict, 'reason', () => reason(verdict)),
    };
  },
};

function record(value: unknown): Fields {
  if (!isRecord(value)) throw new Nonsense(`expected an object with an "action", got ${kindOf(value)}`);
  return value;
}

function only(verdict: Fields, known: string[]): void {
  for (const field of Object.keys(verdict)) {
    if (known.includes(field)) continue;
    const near = nearest(field, known);
    const help = near === null ? `expected ${known.join(', ')}` : `did you mean "${near}"?`;
    throw new Nonsense(`unknown field "${field.slice(0, 80)}" in "${String(verdict['action'])}"; ${help}`);
  }
}

function oneOf<const T extends string | number>(verdict: Fields, field: string, allowed: readonly T[]): T {
  const value = verdict[field];
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new Nonsense(`"${field}" must be one of ${allowed.join(', ')}, got ${show(value)}`);
  return found;
}

/** The field as an object to spread; empty when it is absent. */
function optional<K extends string, T>(verdict: Fields, field: K, read: (value: unknown) => T): { [F in K]?: T } {
  const value = verdict[field];
  return (value === undefined ? {} : { [field]: read(value) }) as { [F in K]?: T };
}

function reason(verdict: Fields): string {
  const value = verdict['reason'];
  if (typeof value !== 'string' || value.trim() === '') {
    throw new Nonsense(`"reason" must say why in a few words, got ${show(value)}`);
  }
  return oneLine(value.slice(0, BOUNDS.policyReasonCharsMax));
}

/** People read it in terminals, in log lines and in answers of HTTP: nothing in it may do anything there. */
function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, ' ').toWellFormed();
}

/** Finite, or the log could not hold it: JSON has no infinity, yet `1e400` in it is read as one. */
function number(field: string, value: unknown, min: number): number {
  if (typeof value !== 'number' || !(value >= min) || !Number.isFinite(value))
    throw new Nonsense(`"${field}" must be a number from ${min}, got ${show(value)}`);
  return value + 0; // never -0, which the log does not hold either
}

function id<T extends string = ModelId>(field: string, value: unknown): T {
  const isText = typeof value === 'string' && value !== '' && value.length <= BOUNDS.policyIdCharsMax;
  // one that is not there is quoted where people read
  if (!isText || oneLine(value) !== value) {
    throw new Nonsense(`"${field}" must hold ids, got ${show(value)}`);
  }
  return value as T;
}

function ids<T extends string = ModelId>(field: string, value: unknown): T[] {
  if (!Array.isArray(value)) throw new Nonsense(`"${field}" must be a list of ids, got ${show(value)}`);
  if (value.length > BOUNDS.policyIdsMax)
    throw new Nonsense(`"${field}" holds ${value.length} ids, at most ${BOUNDS.policyIdsMax}`);
  return value.map((one) => id<T>(field, one));
}

function alternatives(value: unknown): Alternative[] {
  if (!Array.isArray(value)) throw new Nonsense(`"alternatives" must be a list, got ${show(value)}`);
  return value.slice(0, BOUNDS.policyAlternativesMax).map((one) => {
    const alternative = record(one);
    only(alternative, ['evict', 'costMs', 'reason']);
    const costMs = number('costMs', alternative['costMs'], 0);
    return { evict: ids('evict', alternative['evict']), costMs, reason: reason(alternative) };
  });
}

function keeps(value: unknown): { model: ModelId; until: number }[] {
  if (!Array.isArray(value)) throw new Nonsense(`"keep" must be a list of { model, until }, got ${show(value)}`);
  if (value.length > BOUNDS.policyKeepsMax) {
    throw new Nonsense(`"keep" holds ${value.length} models, at most ${BOUNDS.policyKeepsMax}`);
  }
  return value.map((one) => {
    if (!isRecord(one)) throw new Nonsense(`"keep" must be a list of { model, until }, got ${show(one)} in it`);
    return { model: id('model', one['model']), until: number('until', one['until'], 0) };
  });
}
