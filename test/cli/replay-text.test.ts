/** What a replay shows: a line for what a person wants to see pass by, and the models and the queue as they stand. */
import { describe, expect, it } from 'vitest';
import { eventLine, eventWords, frame, summaryLine } from '../../src/cli/commands/replay-text.ts';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { emptyState, fold } from '../../src/core/evolve.ts';
import { swapStory } from '../history/story.ts';

const { story, request, swap } = swapStory();
const words = (type: TurnoutEvent['type']) =>
  story.events.filter((event) => event.type === type && event.position >= request).map(eventWords);

describe('eventWords()', () => {
  it('tells decisions, waits, requests and swaps', () => {
    expect(words('request.arrived')).toEqual(['<qwen> request req_new of curl 127.0.0.1 arrived']);
    expect(words('plan.decided')).toEqual([
      '<qwen> group planner: swap, evicting llama (pending): group (default) runs one model at a time, so llama must leave',
    ]);
    expect(words('target.blocked')).toEqual(['<qwen> its requests wait: llama is busy with 1 request']);
    expect(words('swap.started')).toEqual(['<qwen> swap begins: llama must leave']);
    expect(words('swap.finished')).toEqual(['<qwen> swap done after 10.9 s']);
    expect(words('request.granted')).toEqual([`<qwen> request ${request} is served after 14.2 s`]);
    expect(words('request.finished')).toContain(`<qwen> request ${request} finished with 200 (ok)`);
  });

  it('leaves out what only machines care about', () => {
    const event = { type: 'devices.sampled', data: { devices: [] }, position: 1, at: 1, version: 1 } as TurnoutEvent;
    expect(eventWords(event)).toBeNull();
  });

  it('stands in a line with time and position', () => {
    const event = story.events[swap - 1] as TurnoutEvent;
    expect(eventLine(event, 'text', { utc: true })).toBe(`12:00:03.300      ${swap}  text`);
  });
});

describe('summaryLine()', () => {
  it('names what is loaded, busy, or waited for', () => {
    const at = (position: number) => summaryLine(fold(story.events.slice(0, position)));
    expect(at(request)).toBe('qwen stopped, 1 wait | llama ready, serves 1');
    expect(at(swap + 3)).toBe('qwen starting, 1 wait');
    expect(at(story.events.length)).toBe('qwen ready');
    expect(summaryLine(emptyState())).toBe('nothing is loaded and nobody waits');
  });
});

describe('frame()', () => {
  it('is the moment as ps would have shown it, with the last things that happened below', () => {
    const text = frame(fold(story.events.slice(0, request)), ['first', 'second'], { utc: true });
    expect(text).toMatch(/^position 9, 2026-11-22 12:00:00\.000 UTC: turnout is running, planner group\n\n/);
    expect(text).toMatch(/llama +ready/);
    expect(text).toMatch(/req_new waits for qwen/);
    expect(text.endsWith('\n\nfirst\nsecond')).toBe(true);
  });
});
