/**
 * The kinds of values that the schema is made of. Messages may hold `{path}`, `{list}` (the path without an index),
 * `{value}` and `{model}`, which issues.ts fills in. Here is only the shape of what is written; what it means is decided
 * in the build files.
 */
import { z } from 'zod';
import { DURATION, GO_DURATION, SIZE } from './units.ts';

/** Keys that llama-swap accepts and ignores too, with what counts in their place. */
export const noEffect = z.registry<{ instead: string }>();

/** What the reference says of a key: its meaning, and a value that it may have. */
export function about(description: string, ...examples: unknown[]): { description: string; examples: unknown[] } {
  return { description, examples };
}

/** A key that llama-swap accepts and ignores. */
export function withoutEffect(description: string, instead: string, example: unknown): z.ZodOptional<z.ZodUnknown> {
  const schema = z.unknown().optional().meta(about(description, example));
  noEffect.add(schema, { instead });
  return schema;
}

/** What a duration in llama-swap can hold, some 290 years: beyond it that program counts wrong. */
export const SECONDS_MAX = 9_223_372_036;

/** Whole seconds, as llama-swap has them. */
export function seconds(least: number, error = `{path} must be >= ${least}`): z.ZodInt {
  return z
    .int()
    .min(least, { error })
    .max(SECONDS_MAX, { error: `{path} must be at most ${SECONDS_MAX} seconds` });
}

const durationError = {
  error: '{path}: expected a duration such as 90s, 5m or 1h30m, or a number of seconds, got {value}',
};

/** Text such as `90s` or a number of seconds; durationMs() reads it. */
export function duration() {
  const number = z.number().min(0, durationError).max(SECONDS_MAX, durationError);
  return z.union([number, z.string().regex(DURATION, durationError)], durationError).meta({ title: 'duration' });
}

/** A duration as Go writes it; goDurationMs() reads it. */
export function goDuration(): z.ZodString {
  const error = '{path}: expected a duration such as 15s or 1m30s, got {value}';
  return z.string({ error }).regex(GO_DURATION, { error }).meta({ title: 'duration' });
}

const sizeError = { error: '{path}: expected a size such as 256MiB, or a number of bytes, got {value}' };

/** Text such as `256MiB` or a number of bytes; sizeBytes() reads it. */
export function size() {
  return z.union([z.number().min(1, sizeError), z.string().regex(SIZE, sizeError)], sizeError).meta({ title: 'size' });
}

/** Name of an HTTP header. */
export function headerName(): z.ZodString {
  return z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: '{path}: expected the name of a header, got {value}' });
}

/** Any data, as JSON has it. */
export function anything(): z.ZodRecord<z.ZodString, z.ZodUnknown> {
  return z.record(z.string(), z.unknown());
}
