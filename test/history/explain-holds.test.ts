import { describe, expect, it } from 'vitest';
import { explainModel } from '../../src/core/history/explain.ts';
import { requestId } from '../../src/core/ids.ts';
import type { ModelSettings, Settings } from '../../src/core/settings.ts';
import {
  arrived,
  modelSettings,
  NOON,
  newStory,
  qwen,
  run,
  type Story,
  settings,
  starting,
  swap,
  swapStory,
} from './story.ts';

const GIB = 1_024 ** 3;
const options = { now: NOON + 60_000, utc: true };
const told = (story: Story, now = options.now) =>
  explainModel(story.state(), qwen, story.events, { ...options, now })?.text ?? [];

/** The swap story, after which these settings apply; qwen is idle since 12:00:18.200. */
function idleStory(model: Partial<ModelSettings>, over: Partial<Settings> = {}): Story {
  const { story } = swapStory();
  const models = [modelSettings('qwen', model), modelSettings('llama')];
  const applied = { ...settings(), ...over, models };
  story.add(19_000, 'config.applied', { hash: 'h2', trigger: 'reload', settings: applied });
  return story;
}

describe('explainModel()', () => {
  it('says who pinned a model, since when and until when, and that its ttl does not count meanwhile', () => {
    const { story } = swapStory();
    story.add(30_000, 'model.pinned', { owner: 'ann', until: NOON + 7_200_000 }, { model: 'qwen' });
    expect(told(story).slice(1, 3)).toEqual([
      'it is idle for 41.8 s; it is not unloaded for that while it is pinned',
      'it is pinned by ann since 2026-11-22 12:00:30.000 UTC, until 2026-11-22 14:00:00.000 UTC, for another 1 h 59 min: no request evicts it',
    ]);
    expect(explainModel(story.state(), qwen, story.events, options)?.facts).toMatchObject({
      pin: { owner: 'ann', until: NOON + 7_200_000 },
      protected: false,
    });
  });

  it('says that a pin has no end', () => {
    const { story } = swapStory();
    story.add(30_000, 'model.pinned', { owner: 'ann', until: null }, { model: 'qwen' });
    expect(told(story)[2]).toBe(
      'it is pinned by ann since 2026-11-22 12:00:30.000 UTC, until somebody unpins it: no request evicts it',
    );
  });

  it.each([
    ['operator', 'it was unpinned 2026-11-22 12:00:40.000 UTC by ann'],
    ['expired', 'the pin of ann ended 2026-11-22 12:00:40.000 UTC'],
  ] as const)('says how a pin ended: %s', (why, sentence) => {
    const { story } = swapStory();
    story.add(30_000, 'model.pinned', { owner: 'ann', until: NOON + 40_000 }, { model: 'qwen' });
    story.add(40_000, 'model.unpinned', { by: 'ann', why }, { model: 'qwen' });
    expect(told(story)[2]).toBe(sentence);
    expect(told(story)[1]).toContain('with a ttl of 5 min');
  });

  it('says that the configuration protects it', () => {
    const story = idleStory({}, { protect: { models: [qwen], otherwise: 'refuse' } });
    expect(told(story)).toContain('no request evicts it: it stands in turnout.protect');
  });

  it('says what memory is declared, was observed, and is reserved', () => {
    const story = idleStory({ memory: 12 * GIB });
    expect(told(story)).toContain('memory: 12 GiB declared');
    story.add(20_000, 'memory.observed', { run: run(16), bytes: { gpu0: 11.8 * GIB } }, { model: 'qwen' });
    expect(told(story)).toContain('memory: 12 GiB declared, 11.8 GiB on gpu0 observed');
    story.add(21_000, 'memory.forgotten', { by: 'ann' }, { model: 'qwen' });
    expect(told(story)).toContain('memory: 12 GiB declared');
    const fresh = newStory();
    fresh.add(0, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen') });
    fresh.add(0, 'process.starting', { ...starting(null), memory: { gpu0: 12 * GIB } }, { model: 'qwen' });
    expect(told(fresh)).toContain('memory: 12 GiB on gpu0 reserved for it now');
  });

  it('says until when a model is kept warm although its ttl is over', () => {
    const warm = { days: [0, 1, 2, 3, 4, 5, 6], fromMin: 8 * 60, toMin: 18 * 60 };
    expect(told(idleStory({ keepWarm: [warm] }))[1]).toBe(
      'it is idle for 41.8 s; with a ttl of 5 min it is unloaded at 18:00:00.000, when the time ends in which it is kept warm',
    );
  });

  it('says that it was loaded because nothing was asked for, not for whom it served first', () => {
    const story = newStory();
    const whenIdle = { afterMs: 600_000, load: qwen };
    story.add(-1, 'config.applied', { hash: 'h', trigger: 'start', settings: { ...settings('qwen'), whenIdle } });
    const idle = arrived('idle_2', { kind: 'idle', client: 'turnout', endpoint: 'whenIdle' });
    const at = story.add(0, 'request.arrived', idle, { model: 'qwen' });
    const began = story.add(0, 'swap.started', { evict: [], drain: null, plan: null }, { model: 'qwen', cause: at });
    const start = story.add(0, 'process.starting', starting(began), { model: 'qwen', cause: began });
    story.add(5_000, 'process.ready', { run: run(start), baseUrl: 'http://x', loadMs: 5_000 }, { model: 'qwen' });
    story.add(5_000, 'swap.finished', { swap: swap(began), ok: true, why: null, tookMs: 5_000 }, { model: 'qwen' });
    story.add(5_000, 'request.granted', { run: run(start), waitedMs: 5_000 }, { model: 'qwen', request: at });
    const later = { ...arrived('req_later'), id: requestId('req_later') };
    const next = story.add(6_000, 'request.arrived', later, { model: 'qwen' });
    story.add(6_000, 'request.granted', { run: run(start), waitedMs: 0 }, { model: 'qwen', request: next });
    expect(told(story).at(-1)).toBe(
      'its last start (run 4) was 2026-11-22 12:00:00.000 UTC because no request came for 10 min (whenIdle)',
    );
  });

  it('says what requests wait for that a hold keeps waiting, without a time at which nothing happens', () => {
    const story = newStory();
    story.add(-1, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen') });
    story.add(0, 'request.arrived', arrived('req_1'), { model: 'qwen' });
    const reason = 'llama is pinned by ann for another 2 h';
    story.add(0, 'target.blocked', { on: 'pin', until: NOON + 5_000, reason }, { model: 'qwen' });
    expect(told(story).at(-1)).toBe(`1 request for it waits: ${reason}`);
  });
});
