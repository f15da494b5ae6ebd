/** What is different between two moments. */
import { describe, expect, it } from 'vitest';
import { asJson, pastPicture } from '../../src/api/routes/state.ts';
import { fold } from '../../src/core/evolve.ts';
import { diffLines, diffPictures } from '../../src/core/history/diff.ts';
import { pastFacts } from '../../src/core/history/past-state.ts';
import { NOON, swapStory } from './story.ts';

function between(from: number, to: number) {
  const { story } = swapStory();
  const at = (position: number) => asJson(pastPicture(fold(story.events.slice(0, position)), null));
  return diffPictures(at(from), at(to));
}

describe('diffPictures()', () => {
  it('finds nothing between a moment and itself', () => {
    expect(between(10, 10)).toEqual([]);
    expect(diffLines([])).toEqual([]);
  });

  it('tells what a model was and is, and which requests and swaps came or went', () => {
    const { story, request, swap } = swapStory();
    const before = story.events.findIndex((event) => event.position === request) - 1;
    const during = between(before, swap);
    const lines = diffLines(during);
    expect(lines).toContain('model qwen: waiting 0 -> 1');
    expect(lines).toContain('swap to qwen: there now');
    const after = diffLines(between(swap, story.events.length));
    expect(after).toContain('swap to qwen: gone');
    expect(after.some((line) => /^model llama: phase "\w+" -> "stopped"$/.test(line))).toBe(true);
    expect(after.some((line) => /^model qwen: phase "\w+" -> "ready"$/.test(line))).toBe(true);
  });

  it('leaves out what changes by time alone', () => {
    const models = [{ id: 'qwen', idleMs: 5, ageMs: 1, phase: 'ready' }];
    const later = [{ id: 'qwen', idleMs: 500, ageMs: 9, phase: 'ready' }];
    expect(diffPictures({ at: 1, position: 1, models }, { at: 2, position: 9, models: later })).toEqual([]);
  });

  it('knows the things of a list by their names, wherever they stand', () => {
    const [a, b] = [
      { id: 'a', phase: 'ready' },
      { id: 'b', phase: 'ready' },
    ];
    expect(diffPictures({ models: [a, b] }, { models: [b, a] })).toEqual([]);
    expect(diffPictures({ models: [a] }, { models: [b] })).toEqual([
      { what: 'models a', field: '', before: true },
      { what: 'models b', field: '', after: true },
    ]);
  });

  it('shows of what holds a reason the reason', () => {
    const blocked = { on: 'swap', until: null, reason: 'llama is busy with 1 request' };
    const backoff = { failures: 2, why: 'exit code 1', until: 5 };
    const lines = diffLines(diffPictures({ models: [{ id: 'a', blocked }] }, { models: [{ id: 'a', blocked: null }] }));
    expect(lines).toEqual(['model a: blocked "llama is busy with 1 request" -> null']);
    const failing = diffPictures({ models: [{ id: 'a', backoff: null }] }, { models: [{ id: 'a', backoff }] });
    expect(diffLines(failing)).toEqual(['model a: backoff null -> "exit code 1"']);
  });

  it('shows values of turnout itself, and those that are no longer there', () => {
    const lines = diffLines(
      diffPictures({ planner: 'group', drain: { target: 'a' } }, { planner: 'budget', drain: null }),
    );
    expect(lines).toEqual(['turnout: planner "group" -> "budget"', 'turnout: drain {"target":"a"} -> null']);
  });
});

describe('pastFacts()', () => {
  it('stands at the moment that was asked for, never before its last event', () => {
    const { story } = swapStory();
    const state = story.state();
    expect(pastFacts(state, null)).toMatchObject({
      position: story.events.length,
      at: NOON + 18_200,
      planner: 'group',
    });
    expect(pastFacts(state, NOON + 99_000).at).toBe(NOON + 99_000);
    expect(pastFacts(state, NOON).at).toBe(NOON + 18_200);
  });
});
