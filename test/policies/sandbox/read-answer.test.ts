/** Answers are read field by field: what is right comes through unchanged, and nothing else comes through. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../../src/policies/sandbox/read-answer.ts';

function said(hook: 'plan' | 'rank' | 'idle', value: unknown): string {
  const read = readAnswer(hook, JSON.stringify(value));
  return read.ok ? 'accepted' : read.message;
}

describe('an answer that people read', () => {
  it('is one line of plain text, whatever the policy wrote', () => {
    const reason = 'go \u001b[2J\u001b]0;title\u0007\r\n  on\u009b1m \ud800!';
    const read = readAnswer('plan', JSON.stringify({ action: 'wait', reason }));
    expect(read).toEqual({ ok: true, answer: { action: 'wait', reason: 'go on \ufffd!' } });
  });

  it('says when to come back in whole seconds, within a week; and nothing is minus zero', () => {
    const retryAfter = (text: string) =>
      readAnswer('plan', `{"action":"reject","status":503,"reason":"x","retryAfterSec":${text}}`);
    expect(retryAfter('1.2')).toMatchObject({ answer: { retryAfterSec: 2 } });
    expect(retryAfter('1e300')).toMatchObject({ answer: { retryAfterSec: 604_800 } });
    expect(retryAfter('-0')).toMatchObject({ answer: { retryAfterSec: 0 } });
    const { answer } = readAnswer('idle', '{"action":"none","wakeAt":-0}') as { answer: { wakeAt?: number } };
    expect(Object.is(answer.wakeAt, 0)).toBe(true);
  });
});

describe('an answer that is right', () => {
  it.each([
    ['plan', { action: 'swap', evict: [], reason: 'room' }],
    ['plan', { action: 'swap', evict: ['a', 'b'], reason: 'room', when: 'drain' }],
    [
      'plan',
      { action: 'swap', evict: ['a'], reason: 'r', alternatives: [{ evict: ['b'], costMs: 3, reason: 'dearer' }] },
    ],
    ['plan', { action: 'wait', reason: 'later' }],
    ['plan', { action: 'wait', reason: 'later', forMs: 0, on: 'pin' }],
    ['plan', { action: 'reject', status: 429, reason: 'no', retryAfterSec: 60, requests: ['r-1'] }],
    ['plan', { action: 'redirect', model: 'org/model:7b', reason: 'as good' }],
    ['plan', { action: 'delegate', planner: 'budget' }],
    ['plan', { action: 'delegate', planner: 'group', protect: ['a'], prefer: ['b'], reason: 'hot' }],
    ['rank', []],
    ['rank', ['a', 'b']],
    ['idle', { action: 'none' }],
    ['idle', { action: 'none', wakeAt: 5, reason: 'night' }],
    ['idle', { action: 'load', model: 'a', reason: 'morning', wakeAt: 5 }],
    ['idle', { action: 'unload', model: 'a', reason: 'game' }],
    ['idle', { action: 'none', keep: [{ model: 'a', until: 5 }] }],
  ] as const)('of %s comes through: %j', (hook, value) => {
    expect(readAnswer(hook, JSON.stringify(value))).toEqual({ ok: true, answer: value });
  });

  it('is cut where people write too much', () => {
    const alternative = { evict: [], costMs: 1, reason: 'x' };
    const json = JSON.stringify({
      action: 'swap',
      evict: [],
      reason: 'x'.repeat(9_000),
      alternatives: Array(9).fill(alternative),
    });
    const read = readAnswer('plan', json);
    expect(read).toMatchObject({ ok: true, answer: { reason: 'x'.repeat(500), alternatives: { length: 5 } } });
  });
});

describe('an answer that is wrong', () => {
  it.each([
    ['plan', null, 'plan(): expected an object with an "action", got null'],
    ['plan', [], 'plan(): expected an object with an "action", got a list'],
    ['plan', { action: 'swop' }, 'plan(): "action" must be one of swap, wait, reject, redirect, delegate, got "swop"'],
    ['plan', { action: 'swap', reason: 'x' }, 'plan(): "evict" must be a list of ids, got nothing'],
    ['plan', { action: 'swap', evict: [1], reason: 'x' }, 'plan(): "evict" must hold ids, got 1'],
    ['plan', { action: 'swap', evict: [''], reason: 'x' }, 'plan(): "evict" must hold ids, got ""'],
    [
      'plan',
      { action: 'swap', evict: Array(1_001).fill('a'), reason: 'x' },
      'plan(): "evict" holds 1001 ids, at most 1000',
    ],
    ['plan', { action: 'swap', evict: [] }, 'plan(): "reason" must say why in a few words, got nothing'],
    ['plan', { action: 'swap', evict: [], reason: ' ' }, 'plan(): "reason" must say why in a few words, got " "'],
    [
      'plan',
      { action: 'swap', evicts: [], reason: 'x' },
      'plan(): unknown field "evicts" in "swap"; did you mean "evict"?',
    ],
    [
      'plan',
      { action: 'swap', evict: [], reason: 'x', when: 'now' },
      'plan(): "when" must be one of idle, drain, got "now"',
    ],
    ['plan', { action: 'wait', reason: 'x', forMs: -1 }, 'plan(): "forMs" must be a number from 0, got -1'],
    ['plan', { action: 'reject', reason: 'x', status: 200 }, 'plan(): "status" must be one of 409, 429, 503, got 200'],
    [
      'plan',
      { action: 'reject', reason: 'x', status: '429' },
      'plan(): "status" must be one of 409, 429, 503, got "429"',
    ],
    [
      'plan',
      { action: 'delegate', planner: 'lru' },
      'plan(): "planner" must be one of group, matrix, budget, got "lru"',
    ],
    ['rank', { order: [] }, 'rank(): "the order" must be a list of ids, got {"order":[]}'],
    ['idle', { action: 'load', reason: 'x' }, 'idle(): "model" must hold ids, got nothing'],
    [
      'idle',
      { action: 'none', model: 'a' },
      'idle(): unknown field "model" in "none"; expected action, reason, wakeAt, keep',
    ],
    ['idle', { action: 'none', keep: ['a'] }, 'idle(): "keep" must be a list of { model, until }, got "a" in it'],
    ['idle', { action: 'none', keep: [{ model: 'a' }] }, 'idle(): "until" must be a number from 0, got nothing'],
    ['idle', { action: 'none', keep: Array(101).fill(0) }, 'idle(): "keep" holds 101 models, at most 100'],
  ] as const)('of %s is told in words: %j', (hook, value, message) => {
    expect(said(hook, value)).toBe(message);
  });

  it.each([
    ['plan', '{"action":"wait","reason":"x","forMs":1e400}', '"forMs" must be a number from 0, got null'],
    ['idle', '{"action":"none","wakeAt":1e999}', '"wakeAt" must be a number from 0, got null'],
    ['idle', '{"action":"none","keep":[{"model":"a","until":1e400}]}', '"until" must be a number from 0, got null'],
    ['plan', '{"action":"swap","evict":["a\\u001b[2J"],"reason":"x"}', '"evict" must hold ids, got "a\\u001b[2J"'],
    ['plan', '{"action":"swap","evict":["a\\nb"],"reason":"x"}', '"evict" must hold ids, got "a\\nb"'],
    ['plan', '{"action":"swap","evict":["\\ud800"],"reason":"x"}', '"evict" must hold ids, got "\\ud800"'],
  ] as const)('of %s that the log or a terminal could not hold is refused: %s', (hook, json, message) => {
    expect(readAnswer(hook, json)).toEqual({ ok: false, message: `${hook}(): ${message}` });
  });

  it.each(['evict', 'reason', 'when', 'requests', 'alternatives', 'action'])(
    'may be as deep as it fits in "%s"',
    (field) => {
      const deep = `${'['.repeat(32_000)}${']'.repeat(32_000)}`;
      const json = `{"action":"swap","evict":[],"reason":"x","${field}":${deep}}`;
      expect(readAnswer('plan', json)).toMatchObject({ ok: false });
      expect(readAnswer('rank', deep)).toMatchObject({ ok: false });
    },
  );

  it('may be no JSON at all', () => {
    expect(readAnswer('plan', '')).toMatchObject({ ok: false });
    expect(readAnswer('plan', '{"action":')).toMatchObject({ ok: false });
  });
});

describe('10,000 random answers', () => {
  const word = fc.constantFrom('swap', 'wait', 'reject', 'a', 'b', '', '__proto__', 'constructor', 'x'.repeat(300));
  const value = fc.oneof(
    word,
    fc.array(word),
    fc.integer(),
    fc.double(),
    fc.constant(null),
    fc.boolean(),
    fc.constant(429),
  );
  const field = fc.constantFrom(
    ...['action', 'evict', 'reason', 'when', 'forMs', 'status', 'requests', 'model', 'planner', 'protect', '__proto__'],
  );
  const own = fc
    .array(fc.tuple(field, value))
    .map((pairs) => `{${pairs.map(([k, v]) => `"${k}":${JSON.stringify(v)}`).join()}}`);
  /** Of the right shape, but for what stands in it. */
  const shaped = fc
    .oneof(
      fc.record({ action: fc.constant('swap'), evict: fc.array(word), reason: word }),
      fc.record({ action: fc.constant('wait'), forMs: fc.double(), reason: word }),
      fc.record({ action: fc.constant('delegate'), protect: fc.array(word) }),
      fc.record({ action: fc.constant('none'), wakeAt: fc.integer() }),
      fc.array(word),
    )
    .map((value) => JSON.stringify(value));

  it('never throw, never change what every object inherits, and yield only what a verdict may hold', () => {
    const seen = { ok: 0, no: 0 };
    fc.assert(
      fc.property(
        fc.oneof(own, shaped, fc.json()),
        fc.constantFrom('plan' as const, 'rank' as const, 'idle' as const),
        (json, hook) => {
          const read = readAnswer(hook, json);
          expect(Object.keys(Object.prototype)).toEqual([]);
          if (!read.ok) {
            seen.no++;
            return read.message !== '';
          }
          seen.ok++;
          const { answer } = read;
          if (Array.isArray(answer)) return answer.every((id) => typeof id === 'string');
          expect(Object.getPrototypeOf(answer)).toBe(Object.prototype);
          expect(Object.hasOwn(answer, '__proto__')).toBe(false);
          return true;
        },
      ),
      { numRuns: 10_000 },
    );
    expect(seen.ok).toBeGreaterThan(300);
    expect(seen.no).toBeGreaterThan(300);
  });
});
