import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { heldVerdict } from '../../src/policies/held.ts';
import { NOW, stage } from './budget-view.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Hold {
  pin?: { owner: string; until: number | null };
  protect?: boolean;
}

function answer(holds: Record<string, Hold>, whenProtected: 'refuse' | 'queue', wishes: string[] = [], need?: string) {
  const models = Object.fromEntries(
    Object.entries(holds).map(([id, { pin, protect }]) => [
      id,
      { view: { pinned: pin ?? null, protected: protect === true } },
    ]),
  );
  const { view, hints } = stage({
    target: 't',
    models: { t: {}, ...models },
    protect: wishes,
    view: { whenProtected },
  });
  const held = Object.keys(holds).map((id) => ({ id: modelId(id) }));
  return heldVerdict(view, held, hints, need);
}

const pin = (owner: string, forMs: number | null): Hold => ({
  pin: { owner, until: forMs === null ? null : NOW + forMs },
});

describe('a request that would have to evict', () => {
  it.each([
    [90_000, '2 min', 90],
    [59 * MINUTE, '59 min', 3_540],
    [HOUR, '1 h', 3_600],
    [97 * MINUTE, '1 h 40 min', 5_820],
    [50 * HOUR, '3 d', 180_000],
    [-5, '1 min', 1],
  ])('a model that is pinned for %i ms more is refused with its owner and the time left', (ms, words, seconds) => {
    expect(answer({ a: pin('alice', ms) }, 'refuse')).toEqual({
      action: 'reject',
      status: 503,
      retryAfterSec: seconds,
      reason: `t cannot be loaded beside what is there, but a is pinned by alice for another ${words}`,
    });
  });

  it('a pinned model waits for the pin, if that is what the configuration wants', () => {
    expect(answer({ a: pin('alice', HOUR) }, 'queue', [], '12 GiB are needed')).toEqual({
      action: 'wait',
      on: 'pin',
      reason: '12 GiB are needed, but a is pinned by alice for another 1 h',
    });
  });

  it('a model that is pinned for good is not told to try again', () => {
    const verdict = answer({ a: pin('alice', null) }, 'refuse');
    expect(verdict).not.toHaveProperty('retryAfterSec');
    expect(verdict.reason).toContain('a is pinned by alice until it is unpinned');
  });

  it('a protected model is told which setting protects it', () => {
    const verdict = answer({ a: { protect: true } }, 'refuse');
    expect(verdict).toMatchObject({ action: 'reject', status: 503 });
    expect(verdict).not.toHaveProperty('retryAfterSec');
    expect(verdict.reason).toContain('a is protected by the configuration (turnout.protect)');
  });

  it('several is told to come back when the last pin ends, or not at all when something stays for good', () => {
    expect(answer({ a: pin('alice', HOUR), b: pin('bob', 2 * HOUR) }, 'refuse')).toMatchObject({
      retryAfterSec: 7_200,
    });
    expect(answer({ a: pin('alice', HOUR), b: { protect: true } }, 'refuse')).not.toHaveProperty('retryAfterSec');
    expect(answer({ a: { ...pin('alice', HOUR), protect: true } }, 'refuse')).not.toHaveProperty('retryAfterSec');
  });

  it('what is only wished to be kept waits, whatever the configuration says of protected models', () => {
    expect(answer({ a: {} }, 'refuse', ['a'])).toEqual({
      action: 'wait',
      reason: 't cannot be loaded beside what is there, but a is to be kept',
    });
  });

  it('a pinned model and one that a policy keeps is answered for the pin', () => {
    const verdict = answer({ a: pin('alice', HOUR), b: {} }, 'refuse', ['b']);
    expect(verdict).toMatchObject({ action: 'reject', retryAfterSec: 3_600 });
    expect(verdict.reason).not.toContain('to be kept');
  });

  it('many names a few', () => {
    const holds = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`m${i}`, { protect: true }]));
    expect(answer(holds, 'queue').reason).toMatch(/m3 is protected .* and 5 more must stay$/);
  });
});
