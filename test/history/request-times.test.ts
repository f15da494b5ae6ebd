/** Where the time of a request went, and what is usual beside it. */
import { describe, expect, it } from 'vitest';
import type { EventData } from '../../src/core/events.ts';
import { explainRequestOf } from '../../src/core/history/explain-log.ts';
import { requestTimes, timesText } from '../../src/core/history/request-times.ts';
import { readerOf } from './reader.ts';
import { arrived, finished, key, NOON, run, type Story, swapStory } from './story.ts';

/** A request that finds its model ready. */
function served(
  story: Story,
  atMs: number,
  qwenRun: number,
  over: Partial<EventData['request.finished']>,
  waitedMs = 0,
) {
  const request = story.add(atMs, 'request.arrived', arrived(`req_${atMs}`), { model: 'qwen' });
  story.add(atMs + waitedMs, 'request.granted', { run: run(qwenRun), waitedMs }, { model: 'qwen', request });
  story.add(atMs + waitedMs + 2_000, 'request.finished', finished(over), { model: 'qwen', request });
  return request;
}

describe('requestTimes()', () => {
  it('splits a wait into queue, stop, start and health, and the rest into prefill and decode', () => {
    const { story, request, qwenRun } = swapStory();
    story.add(20_000, 'process.spawned', { run: run(qwenRun), pid: 1, startTime: '1', bootId: 'b' }, { model: 'qwen' });
    const times = requestTimes(
      story.events.map((event) => (event.type === 'process.spawned' ? { ...event, at: NOON + 5_000 } : event)),
      key(request),
    );
    expect(times?.phases).toEqual({
      queue: 3_300,
      stop: 1_100,
      start: 600,
      health: 9_200,
      prefill: 120,
      decode: 3_880,
      inputTokens: 1_200,
      cachedTokens: 200,
    });
    expect(times?.samples).toBe(0);
    const { queue, stop, start, health } = times?.phases ?? {};
    expect([queue, stop, start, health].reduce<number>((sum, ms) => sum + (ms ?? 0), 0)).toBe(14_200);
  });

  it('counts only the rest of a start that was under way', () => {
    const { story, qwenRun } = swapStory();
    const late = story.add(10_000, 'request.arrived', arrived('req_late'), { model: 'qwen' });
    story.add(14_300, 'request.granted', { run: run(qwenRun), waitedMs: 4_300 }, { model: 'qwen', request: late });
    expect(requestTimes(story.events, key(late))?.phases).toMatchObject({
      queue: 100,
      stop: null,
      start: null,
      health: 4_200,
      prefill: null,
      decode: null,
    });
  });

  it('gives medians over other requests of the model, also where this one had none', () => {
    const { story, request, qwenRun } = swapStory();
    for (const [n, firstByteMs] of [100, 300, 200].entries()) {
      const usage = { inputTokens: 1_000, cachedTokens: 900 + n };
      served(story, 30_000 + n * 5_000, qwenRun, { firstByteMs, usage }, n * 10);
    }
    const slow = served(story, 60_000, qwenRun, { firstByteMs: 1_900, usage: { inputTokens: 1_000, cachedTokens: 0 } });
    const times = requestTimes(story.events, key(slow));
    expect(times).toMatchObject({
      samples: 4,
      phases: { queue: 0, stop: null, health: null, prefill: 1_900, decode: 100, cachedTokens: 0 },
    });
    // One of the four was loaded for: what it spent there is all there is to compare with.
    expect(times?.usual).toMatchObject({ stop: 1_100, health: 9_800, prefill: 200, cachedTokens: 901 });
    expect(timesText(times as NonNullable<typeof times>)).toEqual([
      'where its time went, and what is usual (median of 4 requests):',
      '  queue           0 ms  usually 20 ms',
      '  prefill        1.9 s  usually 200 ms',
      '  decode        100 ms  usually 1.9 s',
      '  cached  0 of 1,000 tokens  usually 901',
    ]);
    expect(requestTimes(story.events, key(request))?.samples).toBe(4);
  });

  it('splits an answer that came at once by the speed that the model tells', () => {
    const { story, qwenRun } = swapStory();
    const usage = { inputTokens: 1_500, cachedTokens: 300, promptPerSecond: 1_000, outputTokens: 20 };
    const one = served(story, 30_000, qwenRun, { firstByteMs: 1_990, usage });
    expect(requestTimes(story.events, key(one))?.phases).toMatchObject({ prefill: 1_200, decode: 800 });
    const slow = served(story, 40_000, qwenRun, { firstByteMs: 500, usage });
    expect(requestTimes(story.events, key(slow))?.phases).toMatchObject({ prefill: 500, decode: 1_500 });
  });

  it('is null for a request that no run was given', () => {
    const { story } = swapStory();
    const refused = story.add(30_000, 'request.arrived', arrived('req_no'), { model: 'qwen' });
    expect(requestTimes(story.events, key(refused))).toBeNull();
  });
});

describe('explainRequestOf()', () => {
  it('reads the others from the log, up to this one', async () => {
    const { story, request, qwenRun } = swapStory();
    const next = served(story, 30_000, qwenRun, { firstByteMs: 500 });
    served(story, 40_000, qwenRun, { firstByteMs: 9_000 });
    const told = await explainRequestOf(readerOf(story.events), key(next), { now: NOON, utc: true });
    expect(told?.facts.times).toMatchObject({ samples: 1, phases: { prefill: 500 }, usual: { prefill: 120 } });
    expect(told?.text.at(-2)).toMatch(/^ {2}prefill +500 ms {2}usually 120 ms$/);
    expect(await explainRequestOf(readerOf(story.events), key(request + 1), { now: NOON })).toBeNull();
  });
});
