import { describe, expect, it } from 'vitest';
import { collectModel, collectRequest, explainModel, explainRequest } from '../../src/core/history/explain.ts';
import type { EventLog } from '../../src/core/log/log.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import { key, llama, NOON, newStory, qwen, type Story, swap, swapStory } from './story.ts';

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
