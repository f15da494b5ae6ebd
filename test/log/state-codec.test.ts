/** A state survives being written down, whatever is in it; and its shape does not change without a new version. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { VERSION } from '../../src/core/events.ts';
import { emptyState, fold } from '../../src/core/evolve.ts';
import { UPCASTERS } from '../../src/core/log/upcast.ts';
import { decodeState, encodeState, STATE_VERSION, stateFrom } from '../../src/core/state-codec.ts';
import { busyLog } from './busy-events.ts';

describe('encodeState() and decodeState()', () => {
  it('give back every state that a log leads to', () => {
    const options = fc.record({
      models: fc.integer({ min: 1, max: 9 }),
      requestsPerSwap: fc.integer({ min: 1, max: 9 }),
      open: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), options, (count, busy) => {
        const state = fold(busyLog(count, busy));
        const text = encodeState(state);
        expect(canonical(decodeState(text))).toBe(canonical(state));
        expect(encodeState(decodeState(text))).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  it('give a state with which the fold goes on as with the first one', () => {
    const events = busyLog(600);
    for (const cut of [1, 9, 14, 123, 333, 599]) {
      const state = decodeState(encodeState(fold(events.slice(0, cut))));
      expect(canonical(fold(events.slice(cut), state)), `cut at ${cut}`).toBe(canonical(fold(events)));
    }
  });

  it('keep records whose names could be taken for something else', () => {
    const odd = [
      '{"map":[1]}',
      '{"map":[[1,2]]}',
      '{"set":[3]}',
      '{"set":2}',
      '{"plain":[["a",1]]}',
      '{"map":1,"set":2}',
      '{"__proto__":4,"b":5}',
      '{}',
    ].map((text) => JSON.parse(text) as Record<string, number>);
    for (const evictCosts of odd) {
      const state = emptyState();
      state.settings.matrix = { sets: [], evictCosts };
      const found = decodeState(encodeState(state)).settings.matrix?.evictCosts;
      expect(JSON.stringify(found)).toBe(JSON.stringify(evictCosts));
      expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
    }
  });

  it('share nothing with what they were given', () => {
    const json = JSON.parse(encodeState(fold(busyLog(50)))) as { settings: { models: { tags: string[] }[] } };
    const state = stateFrom(json);
    json.settings.models[0]!.tags.push('changed');
    expect(state.settings.models[0]?.tags).toEqual([]);
  });

  it.each([
    ['null', 'null'],
    ['an empty object', '{}'],
    ['a state without its models', JSON.stringify({ ...JSON.parse(encodeState(emptyState())), models: undefined })],
    ['a state whose models are a set', encodeState({ ...emptyState(), models: new Set() as never })],
  ])('refuse %s', (_, text) => {
    expect(() => decodeState(text)).toThrow(/^read a stored state: expected "\w+" to be a (map|set|plain) value$/);
  });
});

describe('STATE_VERSION', () => {
  it('is the version of the event that carries a state, with an upcaster for each older one', () => {
    expect(VERSION['log.rebased']).toBe(STATE_VERSION);
    expect(UPCASTERS['log.rebased'] ?? []).toHaveLength(STATE_VERSION - 1);
  });

  it('is raised whenever the same events give another state: then this hash changes, and so must the version', () => {
    const state = fold(busyLog(500, { models: 3, requestsPerSwap: 4, open: 2 }));
    const pinned: Record<number, string> = { 1: '01d0a5ccf917f363' };
    expect(hash('sha256', encodeState(state), 'hex').slice(0, 16)).toBe(pinned[STATE_VERSION]);
  });
});
