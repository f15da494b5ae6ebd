/** The swaps of a log: for whom, at what cost, and whether they were a waste. */
import { describe, expect, it } from 'vitest';
import { collectSwaps, sumSwaps } from '../../src/core/history/swaps.ts';
import { sumRows, swapRows } from '../../src/core/history/swaps-text.ts';
import { readerOf } from './reader.ts';
import {
  arrived,
  exited,
  type llama,
  newStory,
  run,
  type Story,
  settings,
  starting,
  swap,
  swapStory,
} from './story.ts';

/** A swap of one model for another, with the request that asked for it. */
function swapped(
  story: Story,
  atMs: number,
  model: string,
  evict: string,
  client: string,
  end: 'done' | 'failed' | 'open',
) {
  const asked = arrived(`req_${model}_${atMs}`, { asked: model, client });
  const cause = story.add(atMs, 'request.arrived', asked, { model });
  const began = story.add(
    atMs,
    'swap.started',
    { evict: [evict as typeof llama], drain: null, plan: null },
    { model, cause },
  );
  const runOf = story.add(atMs + 500, 'process.starting', starting(began, model), { model, cause: began });
  if (end === 'open') return began;
  if (end === 'done') {
    story.add(atMs + 2_500, 'process.ready', { run: run(runOf), baseUrl: 'x', loadMs: 2_000 }, { model });
    story.add(atMs + 2_500, 'swap.finished', { swap: swap(began), ok: true, why: null, tookMs: 2_500 }, { model });
    return began;
  }
  story.add(atMs + 900, 'process.exited', exited(runOf, { code: 1 }), { model });
  const failed = {
    swap: swap(began),
    ok: false,
    why: 'upstream command exited prematurely (exit code 1)',
    tookMs: 900,
  };
  story.add(atMs + 900, 'swap.finished', failed, { model });
  return began;
}

const collect = (story: Story, range = {}) => collectSwaps(readerOf(story.events), { from: 1, ...range });

describe('collectSwaps()', () => {
  it('tells of each swap who asked, who left, how long it took, who decided and why', async () => {
    const { story, swap: began, request } = swapStory();
    const [first, second] = await collect(story);
    expect(first).toMatchObject({ target: 'llama', evicted: [], stoppingMs: null, loadingMs: 5_000, reloaded: [] });
    expect(second).toEqual({
      swap: began,
      at: expect.any(Number),
      target: 'qwen',
      request: { position: request, id: 'req_new', client: 'curl 127.0.0.1', session: 's-1' },
      evicted: ['llama'],
      stoppingMs: 1_100,
      loadingMs: 9_800,
      outcome: 'done',
      why: null,
      decidedBy: 'group',
      reason: 'group (default) runs one model at a time, so llama must leave',
      reloaded: [],
    });
  });

  it('says that a model came back, when it was within five minutes', async () => {
    const story = newStory();
    story.add(0, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen', 'llama') });
    swapped(story, 0, 'qwen', 'llama', 'ide', 'done');
    swapped(story, 299_000, 'llama', 'qwen', 'chat', 'done');
    swapped(story, 700_000, 'qwen', 'llama', 'ide', 'done');
    const records = await collect(story);
    expect(records.map(({ reloaded }) => reloaded)).toEqual([[{ model: 'llama', afterMs: 299_500 }], [], []]);
  });

  it('knows what failed and why, and what is not over', async () => {
    const story = newStory();
    swapped(story, 0, 'qwen', 'llama', 'ide', 'failed');
    swapped(story, 5_000, 'qwen', 'llama', 'ide', 'open');
    expect(await collect(story)).toMatchObject([
      { outcome: 'failed', why: 'upstream command exited prematurely (exit code 1)', loadingMs: null },
      { outcome: 'open', why: null, loadingMs: null },
    ]);
  });

  it('gives the newest of a range', async () => {
    const story = newStory();
    const began = [0, 10_000, 20_000].map((atMs) => swapped(story, atMs, 'qwen', 'llama', 'ide', 'done'));
    const found = async (range: object) => (await collect(story, range)).map((record) => record.swap);
    expect(await found({ limit: 2 })).toEqual(began.slice(1));
    expect(await found({ from: (began[0] ?? 0) + 1 })).toEqual(began.slice(1));
    expect(await found({ to: began[1] })).toEqual(began.slice(0, 2));
  });
});

describe('sumSwaps()', () => {
  it('adds up by client or by model, the dearest first', async () => {
    const story = newStory();
    swapped(story, 0, 'qwen', 'llama', 'ide', 'done');
    swapped(story, 10_000, 'llama', 'qwen', 'chat', 'done');
    swapped(story, 20_000, 'qwen', 'llama', 'ide', 'failed');
    swapped(story, 30_000, 'qwen', 'llama', 'ide', 'done');
    const records = await collect(story);
    const byClient = sumSwaps(records, 'client');
    expect(byClient).toEqual([
      { key: 'ide', swaps: 3, failed: 1, evicted: 3, reloaded: 1, stoppingMs: 1_500, loadingMs: 4_000 },
      { key: 'chat', swaps: 1, failed: 0, evicted: 1, reloaded: 1, stoppingMs: 500, loadingMs: 2_000 },
    ]);
    expect(sumSwaps(records, 'model').map(({ key, swaps }) => [key, swaps])).toEqual([
      ['qwen', 3],
      ['llama', 1],
    ]);
    expect(sumRows(byClient, 'client')).toEqual([
      ['CLIENT', 'SWAPS', 'FAILED', 'EVICTED', 'RELOADED', 'STOPPING', 'LOADING'],
      ['ide', '3', '1', '3', '1', '1.5 s', '4.0 s'],
      ['chat', '1', '0', '1', '1', '500 ms', '2.0 s'],
    ]);
  });
});

describe('swapRows()', () => {
  it('has a row for each swap', async () => {
    const story = newStory();
    swapped(story, 0, 'qwen', 'llama', 'ide', 'done');
    swapped(story, 60_000, 'llama', 'qwen', 'chat', 'failed');
    swapped(story, 90_000, 'llama', 'qwen', 'chat', 'open');
    expect(swapRows(await collect(story), { utc: true })).toEqual([
      ['TIME', 'MODEL', 'FOR', 'EVICTED', 'STOPPING', 'LOADING', 'RELOADED'],
      ['2026-11-22 12:00:00.000 UTC', 'qwen', 'ide', 'llama', '500 ms', '2.0 s', 'llama after 1 min 1 s'],
      ['2026-11-22 12:01:00.000 UTC', 'llama', 'chat', 'qwen', '500 ms', 'failed', 'no'],
      ['2026-11-22 12:01:30.000 UTC', 'llama', 'chat', 'qwen', '500 ms', 'not yet', 'no'],
    ]);
  });
});
