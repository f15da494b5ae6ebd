import { describe, expect, it } from 'vitest';
import type { EventData, EventType } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import { narrate } from '../../src/core/runtime/narrate.ts';
import { arrived, NOON, newStory, run, swap } from '../history/story.ts';

const GIB = 1_024 ** 3;

function told<T extends EventType>(type: T, data: EventData[T]): string | null {
  const story = newStory();
  story.add(0, type, data, { model: 'qwen', request: 7 });
  const [event] = story.events;
  const line = event === undefined ? null : narrate(event);
  return line === null ? null : `${line.level}: ${line.text}`;
}

const idle = (endpoint: string) => arrived('idle_1', { kind: 'idle', endpoint });

const ADOPTED = { run: run(3), pid: 8817, startTime: '1', bootId: 'b', baseUrl: 'http://x' };

describe('narrate()', () => {
  it.each([
    [
      'a pin with an end',
      told('model.pinned', { owner: 'ann', until: NOON + 7_200_000 }),
      'info: <qwen> pinned by ann for 2 h: no request evicts it',
    ],
    [
      'a pin without one',
      told('model.pinned', { owner: 'ann', until: null }),
      'info: <qwen> pinned by ann until it is unpinned: no request evicts it',
    ],
    ['unpinning', told('model.unpinned', { by: 'bob', why: 'operator' }), 'info: <qwen> unpinned by bob'],
    ['an expiry', told('model.unpinned', { by: 'ann', why: 'expired' }), 'info: <qwen> the pin of ann has expired'],
    ['a pin that another replaces', told('model.unpinned', { by: 'ann', why: 'replaced' }), null],
    [
      'an observation, for those who look closely',
      told('memory.observed', { run: run(3), bytes: { gpu0: 11.8 * GIB } }),
      'debug: <qwen> run 3 holds 11.8 GiB on gpu0',
    ],
    [
      'forgetting',
      told('memory.forgotten', { by: 'bob' }),
      'info: <qwen> what was observed of its memory is forgotten, asked by bob',
    ],
    [
      'a wait for memory',
      told('memory.short', { swap: swap(3), missing: { gpu0: 2 * GIB }, until: NOON + 15_000 }),
      'info: <qwen> waits for 2 GiB on gpu0 that what left has not given back, at most 15 s',
    ],
    [
      'its end',
      told('memory.awaited', { swap: swap(3), why: 'freed', waitedMs: 1_200 }),
      'info: <qwen> the memory is free after 1.2 s',
    ],
    [
      'a wait for memory in vain',
      told('memory.awaited', { swap: swap(3), why: 'timeout', waitedMs: 15_000 }),
      'warn: <qwen> starts although the memory is not free after 15.0 s (turnout.memoryWait)',
    ],
    [
      'samples that stopped coming',
      told('memory.awaited', { swap: swap(3), why: 'unobserved', waitedMs: 1_000 }),
      'info: <qwen> starts after 1.0 s: nothing tells any more what memory is free',
    ],
    [
      'an adoption',
      told('process.adopted', { ...ADOPTED, how: 'killed', deadline: null }),
      'info: <qwen> adopted: run 3, process 8817, which outlived a turnout that died',
    ],
    [
      'an adoption while it loads',
      told('process.adopted', { ...ADOPTED, how: 'handed-over', deadline: NOON }),
      'info: <qwen> adopted, still loading: run 3, process 8817, which the turnout before handed over',
    ],
    [
      'an end that leaves models',
      told('router.stopped', { left: [modelId('qwen')] }),
      'info: left running, for the next start to adopt: qwen',
    ],
    ['an end', told('router.stopped', {}), null],
    ['samples', told('devices.sampled', { devices: [] }), null],
    ['requests', told('request.arrived', arrived('req_1')), null],
    [
      'a load when idle',
      told('request.arrived', idle('whenIdle')),
      'info: <qwen> loaded because no request came for a while (whenIdle)',
    ],
    [
      'a load to keep warm',
      told('request.arrived', idle('keepWarm')),
      'info: <qwen> loaded because it is kept warm at this time (keepWarm)',
    ],
    [
      'a redirect',
      told('request.redirected', { to: modelId('llama'), reason: 'qwen is not loaded' }),
      'info: <qwen> request 7 is served by llama: qwen is not loaded',
    ],
  ])('tells of %s', (_what, line, expected) => {
    expect(line).toBe(expected);
  });
});
