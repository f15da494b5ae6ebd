/**
 * One option of a policy: how it is described, and whether a value fits. Pure. A fault is the rest of a sentence that
 * begins with the option's name.
 */
import type { Json } from '../../core/config/canonical.ts';
import { didYouMean } from '../../core/config/nearest.ts';

/** `[]`: a list of them. `{}`: a map from any name to one of them. */
export type OptionType = `${'string' | 'number' | 'boolean' | 'model'}${'' | '[]' | '{}'}`;

export interface OptionSpec {
  type: OptionType;
  /** What it is for, in one sentence. */
  doc?: string;
  /** Without a default an option must be given, unless it is `optional`; then it is absent. */
  default?: Json;
  optional?: boolean;
  /** Of numbers, inclusive. */
  min?: number;
  max?: number;
  /** Of strings: the only ones allowed. */
  choices?: string[];
}

/** Null when it fits. `models`: the ids that may be named; null = any. */
export function valueFault(spec: OptionSpec, value: unknown, models: readonly string[] | null): string | null {
  const one = spec.type.replace(/\[\]$|\{\}$/, '');
  const expected = `must be ${wanted(spec)}, got ${show(value)}`;
  let parts: unknown[] = [value];
  if (spec.type.endsWith('[]')) {
    if (!Array.isArray(value)) return expected;
    parts = value;
  } else if (spec.type.endsWith('{}')) {
    if (!isRecord(value)) return expected;
    parts = Object.values(value);
  }
  for (const part of parts) {
    const wrong = partFault(one, spec, part, models);
    if (wrong !== null) return parts.length === 1 && parts[0] === value ? wrong : `holds a value that ${wrong}`;
  }
  return null;
}

function partFault(type: string, spec: OptionSpec, value: unknown, models: readonly string[] | null): string | null {
  if (typeof value !== (type === 'model' ? 'string' : type)) return `must be ${one(type)}, got ${show(value)}`;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return `must be a number that is finite, got ${value}`;
    if (spec.min !== undefined && value < spec.min) return `must be at least ${spec.min}, got ${value}`;
    if (spec.max !== undefined && value > spec.max) return `must be at most ${spec.max}, got ${value}`;
  }
  if (typeof value !== 'string') return null;
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    return `must be one of ${spec.choices.join(', ')}, got ${show(value)}`;
  }
  if (type === 'model' && models !== null && !models.includes(value)) {
    return `must be a model of this configuration, got ${show(value)}${hint(value, models)}`;
  }
  return null;
}

/** What to write, in words. */
export function wanted({ type }: OptionSpec): string {
  if (type.endsWith('[]')) return `a list, each ${one(type.slice(0, -2))}`;
  if (type.endsWith('{}')) return `a map from names, each to ${one(type.slice(0, -2))}`;
  return one(type);
}

function one(type: string): string {
  if (type === 'boolean') return 'true or false';
  return type === 'string' ? 'text' : type === 'model' ? 'a model id' : 'a number';
}

/** `; did you mean ...`, or nothing. */
export function hint(word: string, known: readonly string[]): string {
  const meant = didYouMean(word, known);
  return meant === null ? '' : `; ${meant}`;
}

/** A value as it may stand in a message. */
export function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}

export function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
