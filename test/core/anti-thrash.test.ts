/** Anti-thrash: who is kept in a short pause, for how long, and who need not stand back. */
import { describe, expect, it } from 'vitest';
import type { ModelSettings, Settings } from '../../src/core/settings.ts';
import { kernel } from './harness.ts';

const SECOND = 1_000;
const LOAD = 30 * SECOND;

type Kernel = ReturnType<typeof kernel>;

/** Three models that take turns, all loaded once, so that the time that this takes is known. */
function loadedOnce(settings: Partial<Settings> = {}, models: Record<string, Partial<ModelSettings>> = {}): Kernel {
  const k = kernel({ settings: { antiThrash: true, ...settings }, models }).boot();
  for (const id of ['b', 'c', 'a']) {
    const ticket = k.request(id);
    const before = ['b', 'c', 'a'].find((other) => other !== id && k.phase(other) === 'stopping');
    if (before !== undefined) k.exited(before);
    k.pass(LOAD);
    k.ready(id);
    k.finish(ticket);
    k.pass(600 * SECOND);
  }
  return k;
}

/** Requests for `a`, each served for a second, with such pauses after them; the last one has just ended. */
function ask(k: Kernel, pauses: readonly number[]): void {
  for (const pause of [...pauses, 0]) {
    const ticket = k.request('a');
    k.pass(SECOND);
    k.finish(ticket);
    k.pass(pause);
  }
}

const SHORT = Array.from({ length: 8 }, () => 2 * SECOND);
const LONG = Array.from({ length: 8 }, () => 100 * SECOND);

describe('a model that is asked for again and again after 2 s', () => {
  it('stays in the pause after an answer, and leaves when nobody came', () => {
    const k = loadedOnce();
    ask(k, SHORT);
    k.request('b');
    k.pass(SECOND);
    expect(k.phase('a')).toBe('ready');
    k.pass(10 * SECOND);
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });

  it('leaves the moment that its time is over', () => {
    const k = loadedOnce();
    ask(k, Array(8).fill(2_100));
    const since = k.now();
    k.request('b');
    k.pass(10 * SECOND);
    // three quarters of what lay between its requests, which took a second
    expect(k.all('swap.started').at(-1)?.at).toBe(since + 0.75 * 3_100);
  });

  it('serves whoever comes in that pause, and stays again after it: a swap is avoided and counted', () => {
    const k = loadedOnce();
    ask(k, SHORT);
    k.request('b');
    k.pass(SECOND);
    const next = k.request('a');
    expect(next.grant).toMatchObject({ granted: true });
    expect(k.state.swapsAvoided).toBe(1);
    k.pass(5 * SECOND);
    k.finish(next);
    k.pass(SECOND);
    expect(k.phase('a')).toBe('ready');
    expect(k.check()).toEqual([]);
  });

  it('says why the other one waits', () => {
    const k = loadedOnce();
    ask(k, SHORT);
    k.request('b');
    expect(k.all('target.blocked').at(-1)?.data).toMatchObject({ on: 'swap' });
    expect(k.all('target.blocked').at(-1)?.data.reason).toContain('a is likely to be asked for again at once');
  });

  it('is named alone as the reason, whoever else would have to leave', () => {
    const groups = { g: { swap: false, members: ['a', 'c'] }, h: { members: ['b'] } };
    const k = kernel({ groups, settings: { antiThrash: true } }).boot();
    for (const id of ['c', 'a']) {
      const ticket = k.request(id);
      k.pass(LOAD);
      k.ready(id);
      k.finish(ticket);
    }
    ask(k, SHORT);
    k.request('b');
    const { reason } = k.all('target.blocked').at(-1)?.data ?? {};
    expect(reason).toBe('a is likely to be asked for again at once; group h is exclusive, so a and c must leave');
  });

  it('is swapped out at once without anti-thrash', () => {
    const k = loadedOnce({ antiThrash: false });
    ask(k, SHORT);
    k.request('b');
    expect(k.phase('a')).toBe('stopping');
  });

  it('stays no longer than until the other one is overdue', () => {
    const maxWaitMs = 20 * SECOND;
    const k = loadedOnce({ maxWaitMs });
    ask(k, SHORT);
    const waits = k.request('b');
    for (let passed = 0; passed < maxWaitMs; passed += 2 * SECOND) {
      expect(k.phase('a'), `after ${passed} ms`).toBe('ready');
      const ticket = k.request('a');
      k.pass(SECOND);
      k.finish(ticket);
      k.pass(SECOND);
    }
    expect(k.phase('a')).toBe('stopping');
    expect(waits.grant).toBeNull();
    expect(k.check()).toEqual([]);
  });

  it.each([
    ['ready', 1],
    ['stopping', 30],
  ])('is %s when %s wait for the other one: each of them would wait, and only one load is saved', (phase, waiting) => {
    const k = loadedOnce({}, { b: { concurrencyLimit: 100 } });
    ask(k, SHORT);
    for (let n = 0; n < waiting; n++) k.request('b');
    k.pass(SECOND / 2);
    expect(k.phase('a')).toBe(phase);
  });

  it('makes room at once for an operator', () => {
    const k = loadedOnce();
    ask(k, SHORT);
    k.request('b', { kind: 'load' });
    expect(k.phase('a')).toBe('stopping');
  });

  it.each([
    [0, 1, 'stopping'],
    [0, 0, 'ready'],
    [1, 1, 'ready'],
  ])('and has priority %s is, when somebody of priority %s waits, %s', (own, other, phase) => {
    const k = loadedOnce({}, { a: { priority: own }, b: { priority: other } });
    ask(k, SHORT);
    k.request('b');
    expect(k.phase('a')).toBe(phase);
  });

  it('counts the priority of the client that it served last as its own', () => {
    const k = loadedOnce({ clientPriority: { test: 1 } }, { b: { priority: 0 } });
    ask(k, SHORT);
    k.request('b');
    expect(k.phase('a')).toBe('ready');
  });
});

describe('a model that is not worth the wait leaves at once', () => {
  it('when its pauses are longer than its load', () => {
    const k = loadedOnce();
    ask(k, LONG);
    k.request('b');
    expect(k.phase('a')).toBe('stopping');
  });

  it('when nothing is known of its pauses', () => {
    const k = kernel({ settings: { antiThrash: true } }).boot();
    k.finish(k.serve('a'));
    k.request('b');
    expect(k.phase('a')).toBe('stopping');
  });
});

it('a model whose pauses are short and long by turns stays for the short ones only', () => {
  const k = loadedOnce();
  ask(
    k,
    [2, 100, 2, 100, 2, 100, 2].map((s) => s * SECOND),
  );
  k.request('b');
  k.pass(SECOND);
  expect(k.phase('a')).toBe('ready');
  k.pass(10 * SECOND);
  expect(k.phase('a')).toBe('stopping');
});

describe('of two that wait', () => {
  /** `a` is busy; `b` came 10 s before `c`, for which so many wait; then `a` is free. Returns who is loaded first. */
  function first(antiThrash: boolean, waiting: number, gapMs = 10 * SECOND): string {
    const k = loadedOnce({ antiThrash, maxWaitMs: 600 * SECOND });
    const ticket = k.request('a');
    k.request('b');
    k.pass(gapMs);
    for (let n = 0; n < waiting; n++) k.request('c');
    k.finish(ticket);
    k.pass(60 * SECOND);
    k.exited('a');
    return ['b', 'c'].find((id) => k.phase(id) === 'starting') ?? 'none';
  }

  it('the one that came first is loaded first', () => {
    expect(first(true, 1)).toBe('b');
    expect(first(false, 5)).toBe('b');
  });

  it('the one that more wait for goes before it with anti-thrash, as far as its load allows', () => {
    expect(first(true, 5)).toBe('c');
    expect(first(true, 5, LOAD)).toBe('b');
  });
});
