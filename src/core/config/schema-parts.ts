/**
 * The kinds of values that the schema is made of. Messages may hold `{path}`, `{value}` and `{model}`, which issues.ts
 * fills in. Here is only the shape of what is written; what it means is decided in the build files.
 */
import { z } from 'zod';
import { DURATION, SIZE } from './units.ts';

/** What becomes of a key that llama-swap knows: `later` = not supported yet, `no-effect` = llama-swap ignores it too. */
export type KeyStatus = { status: 'later' | 'no-effect' };

export const keyStatus = z.registry<KeyStatus>();

/** A key that turnout does not support yet: anything may stand there, and a warning says that it is ignored. */
export function later(description: string): z.ZodOptional<z.ZodUnknown> {
  const schema = z.unknown().optional().describe(description);
  keyStatus.add(schema, { status: 'later' });
  return schema;
}

/** A key that llama-swap accepts and ignores. */
export function withoutEffect(description: string): z.ZodOptional<z.ZodUnknown> {
  const schema = z.unknown().optional().describe(description);
  keyStatus.add(schema, { status: 'no-effect' });
  return schema;
}

/** 31 years: beyond it a number of seconds is a mistake, and milliseconds stay exact. */
export const SECONDS_MAX = 1_000_000_000;

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
export function duration(): z.ZodUnion<[z.ZodNumber, z.ZodString]> {
  const number = z.number().min(0, durationError).max(SECONDS_MAX, durationError);
  return z.union([number, z.string().regex(DURATION, durationError)], durationError);
}

const sizeError = { error: '{path}: expected a size such as 256MiB, or a number of bytes, got {value}' };

/** Text such as `256MiB` or a number of bytes; sizeBytes() reads it. */
export function size(): z.ZodUnion<[z.ZodNumber, z.ZodString]> {
  return z.union([z.number().min(1, sizeError), z.string().regex(SIZE, sizeError)], sizeError);
}

/** Name of an HTTP header. */
export function headerName(): z.ZodString {
  return z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: '{path}: expected the name of a header, got {value}' });
}
