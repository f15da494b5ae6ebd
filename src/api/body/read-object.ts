/**
 * The small JSON object that a call of turnout's own API may carry. No body at all is an empty object; anything else but
 * an object is refused.
 */
import { TurnoutError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext } from '../context.ts';
import { continueIfExpected } from '../continue.ts';
import { readBody } from './read-body.ts';

/** Null when the client left. Throws `bad-request` for what is no JSON object, else what `readBody` throws. */
export async function readObject(ctx: ApiContext): Promise<Record<string, unknown> | null> {
  const { req, res } = ctx;
  continueIfExpected(req, res, LIMITS.objectBytesMax);
  const read = await readBody(req, { maxBytes: LIMITS.objectBytesMax });
  if (read.gone) return null;
  const text = read.body.toString('utf8').trim();
  if (text === '') return {};
  const value = parsed(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw notAnObject();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notAnObject(cause);
  }
}

function notAnObject(cause?: unknown): TurnoutError {
  const message = 'read the request body: expected a JSON object or nothing, got something else';
  return new TurnoutError('bad-request', message, { cause });
}
