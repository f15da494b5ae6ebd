/** A policy that fails: it is told where, somebody else answers the same request in time, and after three it is let be. */
import { describe, expect, it } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import type { Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { ask, EVICT_ALL, hostPid, notesOf, planning, replace, status, taken, withPolicy } from './policies-support.ts';

const MODELS = { a: {}, b: {}, c: {}, d: {}, e: {} };
/** What the design allows; the fallback itself takes no time. */
const ANSWERED_MS = 500;

const FAILING: Record<string, { body: string; fault: object }> = {
  'throws an error': {
    body: '    const none = null;\n    return none.evict;',
    fault: { kind: 'throw', line: 5, column: expect.any(Number), excerpt: expect.stringContaining('none.evict') },
  },
  'takes for ever': { body: '    for (;;);', fault: { kind: 'timeout' } },
  'takes all memory': {
    body: '    const all = [];\n    for (;;) all.push(new Array(1000).fill(1));',
    fault: { kind: expect.stringMatching(/memory|timeout/) },
  },
  'answers nonsense': { body: "    return { action: 'evict', model: 'a' };", fault: { kind: 'nonsense' } },
  'answers what is not allowed': {
    body: "    return { action: 'swap', evict: ['nobody'], reason: 'why not' };",
    fault: { kind: 'illegal', message: expect.stringContaining('unknown-model') },
  },
};

/** How long the question was open: from the arrival of its request to the decision. */
async function answeredIn(turnout: Turnout, model: string): Promise<{ ms: number; via: string }> {
  const events = await turnout.events('request.arrived', 'plan.decided');
  const arrived = events.find((event) => event.type === 'request.arrived' && event.model === model);
  const decided = events.find((event) => event.type === 'plan.decided' && event.model === model);
  if (arrived === undefined || decided?.type !== 'plan.decided') throw new Error(`nothing was decided about ${model}`);
  return { ms: decided.at - arrived.at, via: decided.data.via };
}

describe('a policy that fails', { timeout: 60_000 }, () => {
  it('in any way: one event names the place, and the fallback answers in time', async () => {
    const { turnout, dir } = await withPolicy({ models: MODELS, files: { 'policy.js': planning(EVICT_ALL) } });
    for (const [n, [how, { body, fault }]] of Object.entries(FAILING).entries()) {
      await replace(dir, 'policy.js', planning(body));
      await taken(turnout, n + 2);
      const model = Object.keys(MODELS)[n] ?? '';
      expect(await status(ask(turnout, model)), how).toBe(200);
      const failed = await turnout.events('policy.failed');
      expect(failed.length, how).toBe(n + 1);
      expect(failed[n]?.data, how).toMatchObject({
        slot: 'live',
        fault: { during: 'plan', file: `${dir}/policy.js`, ...fault },
      });
      const { ms, via } = await answeredIn(turnout, model);
      expect(via, how).toBe('fallback');
      expect(ms, how).toBeLessThan(ANSWERED_MS);
    }
    await turnout.stop();
  });

  it('three times is not asked any more until it changes, and everybody is told', async () => {
    const { turnout, dir } = await withPolicy({
      models: MODELS,
      files: { 'policy.js': planning("throw new Error('oh');") },
    });
    const stop = new AbortController();
    const stream = await turnout.get('/api/log?follow=1', { signal: stop.signal });
    for (const model of ['a', 'b', 'c', 'd']) expect(await status(ask(turnout, model))).toBe(200);
    const strikes = (await turnout.events('policy.failed')).map((event) => event.data.strike);
    expect(strikes).toEqual([1, 2, 3]);
    const disabled = await turnout.events('policy.disabled');
    expect(disabled.map((event) => event.data)).toEqual([{ slot: 'live', why: expect.stringContaining('oh') }]);
    expect((await turnout.events('plan.decided')).every((event) => event.data.via === 'fallback')).toBe(true);
    expect(await notesOf(turnout)).toEqual([expect.stringContaining('not asked any more: it failed 3 times')]);
    expect(await told(stream, 'policy.disabled')).toContain('"slot":"live"');
    stop.abort();
    await until('a line about it', () => turnout.output().includes('is not asked any more'));
    expect((await turnout.get('/health')).status).toBe(200);

    await replace(dir, 'policy.js', planning(EVICT_ALL));
    await taken(turnout, 2);
    expect(await notesOf(turnout)).toEqual([]);
    expect(await status(ask(turnout, 'a'))).toBe(200);
    expect((await turnout.events('plan.decided')).at(-1)?.data.via).toBe('live');
    await turnout.stop();
  });

  it('loses its host: the fallback answers, it is no strike, and it is asked again when the host is back', async () => {
    const { turnout } = await withPolicy({ models: MODELS, files: { 'policy.js': planning(EVICT_ALL) } });
    const before = await hostPid(turnout);
    process.kill(before, 'SIGKILL');
    expect(await status(ask(turnout, 'a'))).toBe(200);
    expect((await turnout.events('policy.failed')).every((event) => event.data.strike === 0)).toBe(true);
    await until('the policy to answer again', async () => {
      await status(ask(turnout, 'b'));
      await status(ask(turnout, 'a'));
      return (await turnout.events('plan.decided')).at(-1)?.data.via === 'live';
    });
    expect(await hostPid(turnout)).not.toBe(before);
    expect((await turnout.events('policy.failed')).length).toBeLessThan(2);
    await turnout.stop();
  });
});

/** The first event of a type in a stream of events. */
async function told(stream: Response, type: TurnoutEvent['type']): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const line = text.split('\n').find((one) => one.startsWith('data: ') && one.includes(`"${type}"`));
    if (line !== undefined) return line;
  }
  throw new Error(`the stream ended without ${type}`);
}
