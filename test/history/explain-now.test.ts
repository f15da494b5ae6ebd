import { describe, expect, it } from 'vitest';
import { explainNow } from '../../src/core/history/explain.ts';
import { arrived, llama, NOON, newStory, run, type Story, settings, swap, swapStory } from './story.ts';

/** The first `count` events of the swap story. */
function until(count: number): Story {
  const story = newStory();
  story.events.push(...swapStory().story.events.slice(0, count));
  return story;
}

const at = (ms: number) => ({ now: NOON + ms, utc: true });

describe('explainNow()', () => {
  it('says that nothing waits', () => {
    expect(explainNow(swapStory().story.state(), at(20_000))).toMatchObject({
      text: ['no request waits'],
      facts: { waiting: [] },
    });
  });

  it('names the recorded reason while the way is blocked', () => {
    const { text, facts } = explainNow(until(11).state(), at(2_000));
    expect(text).toEqual([
      'request req_new of client "curl 127.0.0.1" waits 2.0 s for qwen: llama is busy with 1 request',
    ]);
    expect(facts.waiting).toMatchObject([{ id: 'req_new', model: 'qwen', on: 'drain', ageMs: 2_000, swap: null }]);
  });

  it('names the models that a swap is stopping, then the start', () => {
    const stopping = explainNow(until(14).state(), at(4_000));
    expect(stopping.text[0]).toContain('waits 4.0 s for qwen: llama is stopping for 700 ms first');
    expect(stopping.facts.waiting[0]).toMatchObject({ on: 'stop', swap: 13 });
    const loading = explainNow(until(16).state(), at(9_400));
    expect(loading.text[0]).toContain('qwen is starting for 5.0 s (until 12:02:00.000 at the latest)');
    expect(loading.facts.waiting[0]).toMatchObject({ on: 'start', swap: 13, until: NOON + 120_000 });
  });

  it('names the drain that holds requests for a ready model back', () => {
    const story = until(8);
    story.add(
      1_000,
      'swap.draining',
      { evict: [llama], until: NOON + 300_000, reason: 'qwen waited 10 s' },
      { model: 'qwen' },
    );
    story.add(
      2_000,
      'request.arrived',
      {
        id: 'req_held' as never,
        kind: 'inference',
        asked: 'llama',
        client: 'ide',
        session: null,
        method: 'POST',
        endpoint: '/v1/completions',
        bytes: 1,
        streaming: false,
        priority: 0,
      },
      { model: 'llama' },
    );
    const { text, facts } = explainNow(story.state(), at(3_000));
    expect(text[0]).toContain('qwen had waited too long and is served first (until 12:05:00.000 at the latest)');
    expect(facts.waiting[0]).toMatchObject({ on: 'drain' });
  });

  it('names who holds the way, and the end that every wait has', () => {
    const story = until(9);
    const reason = 'llama is pinned by ann for another 2 h';
    story.add(10, 'target.blocked', { on: 'pin', until: NOON + 5_010, reason }, { model: 'qwen' });
    const { text, facts } = explainNow(story.state(), at(1_000));
    expect(text).toEqual([
      `request req_new of client "curl 127.0.0.1" waits 1.0 s for qwen: ${reason} (until 12:15:00.000 at the latest)`,
    ]);
    expect(facts.waiting).toMatchObject([{ on: 'pin', until: NOON + 900_000 }]);
  });

  it('names the memory that evicted models have not given back', () => {
    const story = until(15);
    const short = { swap: swap(13), missing: { gpu0: 2 ** 30 }, until: NOON + 19_400 };
    story.add(4_400, 'memory.short', short, { model: 'qwen', cause: 13 });
    const waiting = explainNow(story.state(), at(6_400));
    expect(waiting.text[0]).toContain(
      'waits 6.4 s for qwen: the memory of llama is not free yet, for 2.0 s (until 12:00:19.400 at the latest)',
    );
    expect(waiting.facts.waiting).toMatchObject([{ on: 'memory', swap: 13 }]);
    story.add(7_000, 'memory.awaited', { swap: swap(13), why: 'freed', waitedMs: 2_600 }, { model: 'qwen' });
    expect(explainNow(story.state(), at(7_000)).text[0]).toContain('qwen starts next');
  });

  it('tells a load of its own from a request', () => {
    const story = newStory();
    story.add(0, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen') });
    story.add(0, 'request.arrived', arrived('idle_2', { kind: 'idle', client: 'turnout', endpoint: 'whenIdle' }), {
      model: 'qwen',
    });
    expect(explainNow(story.state(), at(500)).text[0]).toMatch(/^a load of turnout itself waits 500 ms for qwen: /);
  });

  it('names the former run while it is stopping', () => {
    const { story, qwenRun } = swapStory();
    story.add(
      20_000,
      'process.stopping',
      { run: run(qwenRun), reason: 'ttl', killAt: NOON + 30_000, detail: null },
      { model: 'qwen' },
    );
    const again = { ...swapStory().story.events[8]?.data, id: 'req_again' } as never;
    story.add(20_100, 'request.arrived', again, { model: 'qwen' });
    expect(explainNow(story.state(), at(21_000)).text[0]).toContain('the former run of qwen is stopping');
  });
});
