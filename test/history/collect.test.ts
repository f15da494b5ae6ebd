import { describe, expect, it } from 'vitest';
import { collectModel, collectRequest, explainModel, explainRequest } from '../../src/core/history/explain.ts';
import { modelId } from '../../src/core/ids.ts';
import type { EventLog } from '../../src/core/log/log.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import {
  arrived,
  finished,
  key,
  llama,
  NOON,
  newStory,
  qwen,
  run,
  type Story,
  starting,
  swap,
  swapStory,
} from './story.ts';

const options = { now: NOON + 60_000, utc: true };

function logOf(story: Story): EventLog {
  const { log } = openMemoryLog();
  log.append(story.events, true);
  return log;
}

describe('collectRequest()', () => {
  it('gathers enough to tell the same story as the whole log', async () => {
    const { story, request } = swapStory();
    const events = await collectRequest(logOf(story), key(request));
    expect(explainRequest(events, key(request), options)).toEqual(explainRequest(story.events, key(request), options));
  });

  it('gathers a wait for memory too', async () => {
    const { story } = swapStory();
    const [head, tail] = [story.events.slice(0, 15), story.events.slice(15)];
    const longer = newStory();
    longer.events.push(...head);
    longer.add(4_400, 'memory.short', { swap: swap(13), missing: { gpu0: 1 }, until: NOON + 9_000 }, { model: 'qwen' });
    longer.add(4_400, 'memory.awaited', { swap: swap(13), why: 'freed', waitedMs: 0 }, { model: 'qwen' });
    const moved = (at: number) => (at > 15 ? at + 2 : at);
    for (const { at, type, data, model, request: of, cause } of tail) {
      const run = 'run' in data ? { run: moved(data.run) } : {};
      longer.add(at - NOON, type, { ...data, ...run } as never, {
        ...(model === undefined ? {} : { model }),
        ...(of === undefined ? {} : { request: moved(of) }),
        ...(cause === undefined ? {} : { cause: moved(cause) }),
      });
    }
    const events = await collectRequest(logOf(longer), key(9));
    const told = explainRequest(events, key(9), options);
    expect(told?.text[1]).toContain('the memory that was missing (1 byte on gpu0) was awaited');
    expect(told).toEqual(explainRequest(longer.events, key(9), options));
  });

  it('names who was in the way of the swap at hand, and not of an earlier one to the same model', async () => {
    const { story, qwenRun: former } = swapStory();
    // More than is read of what was before the request; what caused them is read all the same.
    const killed = { run: run(former), why: 'it went on' };
    for (let n = 0; n < 12; n++) story.add(19_000, 'process.killed', killed, { model: 'qwen', cause: former });
    const load = (atMs: number, model: string, evict: string, cause: number) => {
      const data = { evict: [modelId(evict)], drain: null, plan: null };
      const began = story.add(atMs, 'swap.started', data, { model, cause });
      const of = story.add(atMs + 100, 'process.starting', starting(began, model), { model, cause: began });
      story.add(atMs + 900, 'process.ready', { run: run(of), baseUrl: 'x', loadMs: 800 }, { model });
      story.add(atMs + 900, 'swap.finished', { swap: swap(began), ok: true, why: null, tookMs: 900 }, { model });
      return of;
    };
    const long = story.add(20_000, 'request.arrived', arrived('req_long', { asked: 'llama' }), { model: 'llama' });
    const llamaRun = load(20_000, 'llama', 'qwen', long);
    story.add(21_000, 'request.granted', { run: run(llamaRun), waitedMs: 1_000 }, { model: 'llama', request: long });
    const waiter = story.add(22_000, 'request.arrived', arrived('req_waits'), { model: 'qwen' });
    story.add(30_000, 'request.finished', finished(), { model: 'llama', request: long });
    const qwenRun = load(30_000, 'qwen', 'llama', waiter);
    story.add(31_000, 'request.granted', { run: run(qwenRun), waitedMs: 9_000 }, { model: 'qwen', request: waiter });
    const events = await collectRequest(logOf(story), key(waiter));
    const told = explainRequest(events, key(waiter), options);
    expect(told?.facts.inTheWay).toMatchObject([{ id: 'req_long', model: 'llama' }]);
    expect(told).toEqual(explainRequest(story.events, key(waiter), options));
  });

  it('leaves out what happened long before and after', async () => {
    const { story, request } = swapStory();
    const later = story.add(30_000, 'unload.requested', { models: [], by: 'x', cause: 'operator' });
    const positions = (await collectRequest(logOf(story), key(request))).map((event) => event.position);
    expect(positions).not.toContain(later);
    expect(positions).not.toContain(1);
  });

  it('finds nothing where no request stands', async () => {
    const { story } = swapStory();
    expect(await collectRequest(logOf(story), key(2))).toEqual([]);
    expect(await collectRequest(logOf(story), key(9_999))).toEqual([]);
  });
});

describe('collectModel()', () => {
  it.each([qwen, llama])('gathers enough to explain %s as the whole log does', async (model) => {
    const { story } = swapStory();
    const events = await collectModel(logOf(story), model);
    expect(explainModel(story.state(), model, events, options)).toEqual(
      explainModel(story.state(), model, story.events, options),
    );
  });

  it('gathers who pinned and who unpinned it', async () => {
    const { story } = swapStory();
    story.add(20_000, 'model.pinned', { owner: 'ann', until: null }, { model: 'qwen' });
    story.add(30_000, 'model.unpinned', { by: 'bob', why: 'operator' }, { model: 'qwen' });
    const events = await collectModel(logOf(story), qwen);
    const told = explainModel(story.state(), qwen, events, options);
    expect(told?.text).toContain('it was unpinned 2026-11-22 12:00:30.000 UTC by bob');
    expect(told).toEqual(explainModel(story.state(), qwen, story.events, options));
  });
});
