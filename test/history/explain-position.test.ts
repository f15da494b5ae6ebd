/** One event told, and the decision about a model that is nearest to a moment. */
import { describe, expect, it } from 'vitest';
import type { EventData, TurnoutEvent } from '../../src/core/events.ts';
import { explainPositionOf, nearestDecision } from '../../src/core/history/explain-log.ts';
import { readerOf } from './reader.ts';
import { arrived, decided, exited, key, llama, NOON, newStory, qwen, run, settings, swapStory } from './story.ts';

const options = { now: NOON + 60_000, utc: true };

async function told(events: readonly TurnoutEvent[], position: number): Promise<string[]> {
  return (await explainPositionOf(readerOf(events), position, options))?.text ?? [];
}

const find = (events: readonly TurnoutEvent[], type: TurnoutEvent['type'], model?: string) =>
  events.filter((event) => event.type === type && (model === undefined || event.model === model)).at(-1)?.position ?? 0;

describe('explainPositionOf()', () => {
  it('tells a swap: what it did, who decided it and why, who asked', async () => {
    const { story, swap } = swapStory();
    expect(await told(story.events, swap)).toEqual([
      `position ${swap}, 2026-11-22 12:00:03.300 UTC: swap.started (qwen). A swap began: these models are stopped, then the target is started.`,
      'in that swap llama was stopped (1.1 s) and qwen started (9.8 s)',
      'because (position 10, 12:00:00.001) the group planner said: group (default) runs one model at a time, so llama had to leave',
      'because (position 9, 12:00:00.000) request req_new of client "curl 127.0.0.1" asked for "qwen"',
      `it led to process.stopping (swap) of llama at position ${swap + 1} and process.starting of qwen at position ${swap + 3}`,
    ]);
  });

  it('tells a decision with what was weighed beside it and its cost', async () => {
    const story = newStory();
    story.add(0, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen', 'llama') });
    const request = story.add(0, 'request.arrived', arrived('req_1'), { model: 'qwen' });
    const base = decided('llama is idle for longest', ['llama']);
    const alternatives = [{ evict: [qwen], costMs: 40_000, reason: 'it is busy' }];
    const data = {
      ...base,
      verdict: { ...base.verdict, alternatives },
      logs: ['looked at 2'],
    } as EventData['plan.decided'];
    const plan = story.add(1, 'plan.decided', data, { model: 'qwen', cause: request });
    expect((await told(story.events, plan)).slice(1)).toEqual([
      'the group planner (version 1) was asked about qwen with what was known at position 1',
      'it said swap, evicting llama: llama is idle for longest'.replace('is idle', 'was idle'),
      'the swap had to wait for its victims',
      'instead of: qwen, which would have cost about 40 s',
      'the policy wrote: looked at 2',
      `because (position ${request}, 12:00:00.000) request req_1 of client "curl 127.0.0.1" asked for "qwen"`,
    ]);
  });

  it('says what failed before the fallback decided', async () => {
    const story = newStory();
    const request = story.add(0, 'request.arrived', arrived('req_1'), { model: 'qwen' });
    const fault = {
      kind: 'throw',
      during: 'plan',
      message: 'x',
      file: 'p.js',
      line: 4,
      column: 1,
      excerpt: null,
    } as const;
    story.add(1, 'policy.failed', { slot: 'live', fault, strike: 1 });
    const plan = story.add(
      2,
      'plan.decided',
      { ...decided('it fits', []), via: 'fallback', viewPosition: request },
      { model: 'qwen', cause: request },
    );
    expect((await told(story.events, plan))[1]).toContain('because the policy failed in plan() (p.js:4, throw: x)');
    expect((await told(story.events, plan))[2]).toBe('it said load it beside the others: it fitted');
  });

  it('tells why something is gone from why it was to stop, and not from why it had been started', async () => {
    const { story } = swapStory();
    const text = await told(story.events, find(story.events, 'process.exited', 'llama'));
    expect(text[1]).toMatch(/^run \d+ of llama was ended by SIGTERM from turnout$/);
    expect(text.slice(2, 5).map((line) => line.replace(/^because \(position \d+, [\d:.]+\) /, ''))).toEqual([
      'it was stopped to make room',
      'qwen was to be loaded in place of llama',
      'the group planner said: group (default) runs one model at a time, so llama had to leave',
    ]);
  });

  it('tells a request at each of its positions', async () => {
    const { story, request } = swapStory();
    const granted = story.events.findIndex((e) => e.type === 'request.granted' && e.request === request) + 1;
    expect((await told(story.events, granted))[0]).toMatch(/^request req_new asked for "qwen"/);
    expect((await told(story.events, request)).some((line) => line.startsWith('where its time went'))).toBe(true);
  });

  it('tells a reload behind a run that was stopped for it', async () => {
    const story = newStory();
    const config = story.add(0, 'config.applied', { hash: 'h', trigger: 'reload', settings: settings('llama') });
    const detail = 'its configuration changed';
    const stop = story.add(
      5,
      'process.stopping',
      { run: run(1), reason: 'stale', killAt: NOON, detail },
      { model: 'llama' },
    );
    expect((await told(story.events, stop)).slice(1)).toEqual([
      'run 1 of llama was stopped because its configuration changed',
      `because (position ${config}, 12:00:00.000) the configuration was read anew`,
    ]);
  });

  it('is null where the log has no such event', async () => {
    const { story } = swapStory();
    expect(await explainPositionOf(readerOf(story.events), 4_711, options)).toBeNull();
  });

  it('explains every event of a story without failing', async () => {
    const { story } = swapStory();
    for (const { position } of story.events) expect((await told(story.events, position)).length).toBeGreaterThan(0);
  });
});

describe('nearestDecision()', () => {
  const near = (moment: { time: number } | { position: number }, model = llama) => {
    const { story } = swapStory();
    return nearestDecision(readerOf(story.events), model, moment).then((at) => {
      const event = story.events[(at ?? 0) - 1];
      return at === null ? null : `${event?.type} at ${(event?.at ?? 0) - NOON}`;
    });
  };

  it('is the one that happened closest to a time, before or after it', async () => {
    expect(await near({ time: NOON - 29_000 })).toBe('process.starting at -30000');
    expect(await near({ time: NOON + 3_200 })).toBe('process.stopping at 3300');
    expect(await near({ time: NOON - 86_400_000 })).toMatch(/^swap.started at -30000$/);
  });

  it('is the order to stop, where the nearest thing is that the run was gone', async () => {
    expect(await near({ time: NOON + 3_600_000 })).toBe('process.stopping at 3300');
  });

  it('can be looked for by position', async () => {
    expect(await near({ position: 5 })).toBe('process.starting at -30000');
  });

  it('is null for a model about which nothing was decided', async () => {
    expect(await near({ time: NOON }, 'gemma' as typeof llama)).toBeNull();
  });

  it('is a crash, when nobody had asked for the end', async () => {
    const story = newStory();
    const gone = story.add(0, 'process.exited', exited(1, { by: 'itself', code: 1 }), { model: 'llama' });
    expect(await nearestDecision(readerOf(story.events), llama, { time: NOON })).toBe(gone);
    expect(key(gone)).toBe(1);
  });
});
