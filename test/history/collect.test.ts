import { describe, expect, it } from 'vitest';
import { collectModel, collectRequest, explainModel, explainRequest } from '../../src/core/history/explain.ts';
import type { EventLog } from '../../src/core/log/log.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import { key, llama, NOON, qwen, type Story, swapStory } from './story.ts';

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
});
