import { describe, expect, it } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { explainRequest } from '../../src/core/history/explain.ts';
import { modelId } from '../../src/core/ids.ts';
import {
  arrived,
  exited,
  finished,
  key,
  NOON,
  newStory,
  qwen,
  run,
  settings,
  starting,
  swap,
  swapStory,
} from './story.ts';

const options = { now: NOON + 60_000, utc: true };

function told(events: TurnoutEvent[], request: number, now = options.now): string[] {
  return explainRequest(events, key(request), { ...options, now })?.text ?? [];
}

describe('explainRequest()', () => {
  it('tells what a request waited on, who was in the way, what was stopped and started, and how it ended', () => {
    const { story, request } = swapStory();
    expect(told(story.events, request)).toEqual([
      'request req_new asked for "qwen" by POST /v1/chat/completions, 900 bytes, streaming: it arrived 2026-11-22 12:00:00.000 UTC from client "curl 127.0.0.1", session "s-1"',
      'it waited 14.2 s: llama was busy with 1 request until 12:00:03.300, then llama was stopped (1.1 s) and qwen started (9.8 s)',
      'the swap was decided by the group planner: group (default) runs one model at a time, so llama had to leave',
      'in its way was request req_old of client "ide" on llama (until 12:00:03.300)',
      'it was served by run 16 of qwen from 12:00:14.200 for 4.0 s',
      'it finished at 12:00:18.200: status 200, 2.0 KiB, first byte after 120 ms, 1,200 tokens in (200 cached), 120 tokens out, answer at 31.2 tokens/s',
    ]);
  });

  it('gives the figures behind the sentences', () => {
    const { story, request, qwenRun, swap: began } = swapStory();
    const facts = explainRequest(story.events, key(request), options)?.facts;
    expect(facts).toMatchObject({
      id: 'req_new',
      model: 'qwen',
      waitedMs: 14_200,
      outcome: 'finished',
      status: 200,
      run: qwenRun,
      swap: { swap: began, evicted: ['llama'], stops: [{ model: 'llama', tookMs: 1_100, killed: false }] },
      inTheWay: [{ id: 'req_old', client: 'ide', model: 'llama' }],
    });
    expect(facts?.waits).toEqual([
      { kind: 'blocked', on: 'drain', reason: 'llama is busy with 1 request', from: NOON + 1, until: NOON + 3_300 },
      { kind: 'swap', from: NOON + 3_300 },
    ]);
  });

  it('does not depend on the order of the events, nor on repeated ones', () => {
    const { story, request } = swapStory();
    const shuffled = [...story.events].reverse().concat(story.events.slice(3, 9));
    expect(told(shuffled, request)).toEqual(told(story.events, request));
  });

  it('tells of a request that was served at once', () => {
    const { story, qwenRun } = swapStory();
    const at = story.add(20_000, 'request.arrived', arrived('req_fast', { bytes: 0, streaming: false }), {
      model: 'qwen',
    });
    story.add(20_000, 'request.granted', { run: run(qwenRun), waitedMs: 0 }, { model: 'qwen', request: at });
    expect(told(story.events, at).slice(1)).toEqual([
      'it did not wait: its model was ready',
      'it is being served by run 16 of qwen since 12:00:20.000',
    ]);
  });

  it('tells what a request waits for that is still waiting', () => {
    const { story, request } = swapStory();
    const blocked = story.events.slice(0, 11);
    expect(told(blocked, request, NOON + 2_500).slice(1)).toEqual([
      'it has been waiting for 2.5 s: llama is busy with 1 request',
    ]);
    const stopping = story.events.slice(0, 14);
    expect(told(stopping, request, NOON + 4_000)[1]).toBe(
      'it has been waiting for 4.0 s: llama was busy with 1 request until 12:00:03.300, then llama was asked to stop',
    );
    const loading = story.events.slice(0, 16);
    expect(told(loading, request, NOON + 9_000)[1]).toContain('llama was stopped (1.1 s) and qwen began to start');
  });

  it('gives a request that came while its model was loading the part of the load that it waited for', () => {
    const { story, qwenRun } = swapStory();
    const joined: TurnoutEvent[] = story.events.slice(0, 16);
    const late = newStory();
    late.events.push(...joined);
    const at = late.add(9_000, 'request.arrived', arrived('req_late'), { model: 'qwen' });
    late.add(14_200, 'process.ready', { run: run(qwenRun), baseUrl: 'http://x', loadMs: 9_800 }, { model: 'qwen' });
    late.add(14_200, 'request.granted', { run: run(qwenRun), waitedMs: 5_200 }, { model: 'qwen', request: at });
    expect(told(late.events, at)[1]).toBe('it waited 5.2 s: llama was stopped (1.1 s) and qwen started (9.8 s)');
  });

  it('uses the reason that was in force when the request came, since it is recorded once for all waiters', () => {
    const { story } = swapStory();
    const before = newStory();
    before.events.push(...story.events.slice(0, 11));
    const second = before.add(1_000, 'request.arrived', arrived('req_second'), { model: 'qwen' });
    expect(told(before.events, second, NOON + 2_000)[1]).toBe(
      'it has been waiting for 1.0 s: llama is busy with 1 request',
    );
  });

  it('does not repeat the reason of the planner, which the kernel records behind its own', () => {
    const { story, request } = swapStory();
    const said = (reason: string): string[] => {
      const events = story.events.map((event) =>
        event.type === 'target.blocked' ? { ...event, data: { ...event.data, reason } } : event,
      );
      return told(events, request);
    };
    expect(said('llama is busy with 1 request; group (default) runs one model at a time, so llama must leave')).toEqual(
      told(story.events, request),
    );
    expect(said('llama is busy with 1 request; it is pinned')[1]).toContain(
      'llama was busy with 1 request until 12:00:03.300 (it was pinned), then',
    );
  });

  it('tells a refusal with its code and the last output of the run that failed', () => {
    const story = newStory();
    story.add(-1, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen') });
    const at = story.add(0, 'request.arrived', arrived('req_bad'), { model: 'qwen' });
    const began = story.add(0, 'swap.started', { evict: [], drain: null, plan: null }, { model: 'qwen', cause: at });
    const start = story.add(0, 'process.starting', starting(began), { model: 'qwen', cause: began });
    story.add(700, 'process.exited', exited(start, { code: 1, by: 'itself', tail: ['loading', 'out of memory'] }), {
      model: 'qwen',
    });
    story.add(
      700,
      'request.rejected',
      {
        status: 500,
        code: 'start-failed',
        reason: 'unspecific error: upstream command exited prematurely',
        retryAfterSec: null,
      },
      { model: 'qwen', request: at },
    );
    expect(told(story.events, at).slice(1)).toEqual([
      'it waited 700 ms: qwen failed to start after 700 ms: it exited with code 1',
      'it was refused at 12:00:00.700 with status 500 (start-failed): unspecific error: upstream command exited prematurely',
      'the last output of the model:',
      '  loading',
      '  out of memory',
    ]);
  });

  it('tells a refusal on arrival with when to come back', () => {
    const story = newStory();
    const at = story.add(0, 'request.arrived', arrived('req_429'), { model: 'qwen' });
    const refusal = { status: 429, code: 'concurrency-limit', reason: 'Too many requests', retryAfterSec: 1 };
    story.add(0, 'request.rejected', refusal, { model: 'qwen', request: at });
    expect(told(story.events, at).slice(1)).toEqual([
      'it did not wait',
      'it was refused at 12:00:00.000 with status 429 (concurrency-limit): Too many requests; the client was told to come back after 1 s',
    ]);
  });

  it.each([
    ['waiting', 'the client left at 12:00:02.000 while it was waiting'],
    ['serving', 'the client left at 12:00:02.000 while it was being served, after 10 bytes of the answer'],
  ] as const)('tells that the client left while %s', (stage, sentence) => {
    const story = newStory();
    const at = story.add(0, 'request.arrived', arrived('req_gone'), { model: 'qwen' });
    story.add(2_000, 'request.cancelled', { stage, status: null, bytes: 10 }, { model: 'qwen', request: at });
    expect(told(story.events, at).at(-1)).toBe(sentence);
  });

  it('tells an answer that broke off, a retry, and a loss', () => {
    const { story, qwenRun } = swapStory();
    const at = story.add(20_000, 'request.arrived', arrived('req_cut'), { model: 'qwen' });
    story.add(20_000, 'request.granted', { run: run(qwenRun), waitedMs: 0 }, { model: 'qwen', request: at });
    story.add(
      20_100,
      'request.retried',
      { reason: 'the upstream closed a reused connection' },
      { model: 'qwen', request: at },
    );
    story.add(21_000, 'request.finished', finished({ outcome: 'cut', bytes: 5, error: 'socket closed' }), {
      model: 'qwen',
      request: at,
    });
    expect(told(story.events, at).slice(2)).toEqual([
      'it was sent to the model a second time: the upstream closed a reused connection',
      'it was served by run 16 of qwen from 12:00:20.000 for 1.0 s',
      'it failed at 12:00:21.000: the model broke off its answer (socket closed), after 5 bytes',
    ]);
    const lost = story.add(22_000, 'request.arrived', arrived('req_lost'), { model: 'qwen' });
    story.add(30_000, 'request.lost', { stage: 'waiting' }, { model: 'qwen', request: lost });
    expect(told(story.events, lost).at(-1)).toBe(
      'turnout died while it was waiting; the next start found that out at 12:00:30.000',
    );
  });

  it('knows nothing of a position that holds no request', () => {
    const { story } = swapStory();
    expect(explainRequest(story.events, key(1), options)).toBeNull();
    expect(explainRequest([], key(1), options)).toBeNull();
  });

  it('says that a model had to be killed', () => {
    const { story, request, llamaRun } = swapStory();
    story.add(4_300, 'process.killed', { run: run(llamaRun), why: 'grace over' }, { model: 'llama' });
    expect(told(story.events, request)[1]).toContain('llama was stopped (1.1 s, by KILL)');
  });

  it('tells which model served instead, and why', () => {
    const { story, qwenRun } = swapStory();
    const at = story.add(20_000, 'request.arrived', arrived('req_other', { asked: 'llama' }), { model: 'llama' });
    const reason = 'llama is not loaded and qwen is';
    story.add(20_000, 'request.redirected', { to: qwen, reason }, { model: 'llama', request: at });
    story.add(20_000, 'request.granted', { run: run(qwenRun), waitedMs: 0 }, { model: 'qwen', request: at });
    expect(told(story.events, at).slice(1)).toEqual([
      'it did not wait',
      'it was given to qwen in place of llama at 12:00:20.000: llama was not loaded and qwen was',
      'it is being served by run 16 of qwen since 12:00:20.000',
    ]);
    expect(explainRequest(story.events, key(at), options)?.facts.redirected).toEqual({
      to: 'qwen',
      reason,
      at: NOON + 20_000,
    });
  });

  it('tells what the planner weighed beside what it chose, with the cost', () => {
    const { story, request } = swapStory();
    const alternatives = [
      { evict: [modelId('gemma')], costMs: 40_200, reason: 'it was asked just now' },
      { evict: [modelId('phi'), modelId('embed')], costMs: 61_000, reason: '' },
    ];
    const events = story.events.map((event) => {
      if (event.type !== 'plan.decided' || event.data.verdict.action !== 'swap') return event;
      return { ...event, data: { ...event.data, verdict: { ...event.data.verdict, alternatives } } };
    });
    expect(told(events, request)).toEqual([
      ...told(story.events, request).slice(0, 3),
      'instead of: gemma, which would have cost about 40 s; phi and embed, about 1 min',
      ...told(story.events, request).slice(3),
    ]);
    expect(explainRequest(events, key(request), options)?.facts.swap?.alternatives).toEqual(alternatives);
  });

  it.each([
    ['freed', 'the memory that was missing (2 GiB on gpu0) was awaited (600 ms)'],
    ['timeout', 'the memory that was missing (2 GiB on gpu0) was awaited in vain (600 ms)'],
  ] as const)('tells a wait for memory that ended as %s', (why, words) => {
    const { story, request, swap: began } = swapStory();
    const missing = { gpu0: 2 * 1_024 ** 3 };
    story.add(4_400, 'memory.short', { swap: swap(began), missing, until: NOON + 19_400 }, { model: 'qwen' });
    story.add(5_000, 'memory.awaited', { swap: swap(began), why, waitedMs: 600 }, { model: 'qwen' });
    expect(told(story.events, request)[1]).toContain(
      `then llama was stopped (1.1 s), ${words} and qwen started (9.8 s)`,
    );
  });

  it('tells a wait for a pin with its owner', () => {
    const story = newStory();
    const at = story.add(0, 'request.arrived', arrived('req_held'), { model: 'qwen' });
    const reason = 'llama is pinned by ann for another 2 h';
    story.add(0, 'target.blocked', { on: 'pin', until: NOON + 5_000, reason }, { model: 'qwen', cause: at });
    expect(told(story.events, at, NOON + 3_000)[1]).toBe(`it has been waiting for 3.0 s: ${reason}`);
    const refusal = { status: 503, code: 'planner-refused', reason, retryAfterSec: 7_200 };
    story.add(4_000, 'request.rejected', refusal, { model: 'qwen', request: at });
    expect(told(story.events, at).slice(1)).toEqual([
      'it waited 4.0 s: llama was pinned by ann for another 2 h, which held it up until 12:00:04.000',
      `it was refused at 12:00:04.000 with status 503 (planner-refused): ${reason}; the client was told to come back after 7200 s`,
    ]);
  });

  it('tells that a load of its own was done', () => {
    const { story, qwenRun } = swapStory();
    const idle = { kind: 'idle' as const, client: 'turnout', endpoint: 'whenIdle' };
    const at = story.add(20_000, 'request.arrived', arrived('idle_1', idle), { model: 'qwen' });
    story.add(20_000, 'request.granted', { run: run(qwenRun), waitedMs: 0 }, { model: 'qwen', request: at });
    story.add(20_000, 'request.finished', finished(), { model: 'qwen', request: at });
    expect(told(story.events, at).slice(1)).toEqual([
      'it did not wait: its model was ready',
      'it was loaded at 12:00:20.000',
    ]);
  });

  it.each([
    ['whenIdle', 'no request came for a while (whenIdle)'],
    ['keepWarm', 'it was kept warm at this time (keepWarm)'],
  ])('tells a load that %s asked for as its own', (endpoint, because) => {
    const story = newStory();
    const idle = { kind: 'idle' as const, client: 'turnout', endpoint, bytes: 0, streaming: false, method: 'LOAD' };
    const at = story.add(0, 'request.arrived', arrived('idle_1', idle), { model: 'qwen' });
    story.add(500, 'request.cancelled', { stage: 'waiting', status: null, bytes: 0 }, { model: 'qwen', request: at });
    expect(told(story.events, at)).toEqual([
      `turnout itself began to load "qwen" (idle_1) 2026-11-22 12:00:00.000 UTC, because ${because}`,
      'it waited 500 ms',
      'it was given up at 12:00:00.500, because a client asked for something else',
    ]);
  });
});
