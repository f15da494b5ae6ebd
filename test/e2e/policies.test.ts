/** A policy of the user's in charge of a real turnout: whatever it may say happens, and stands in the log. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';
import { ask, EVICT_ALL, hostPid, planning, status, taken, withPolicy } from './policies-support.ts';

const TOGETHER = 'groups: { all: { swap: false, exclusive: false, members: [a, b, c] } }';
const THREE = { a: {}, b: {}, c: {} };
const SEEN = ['swap.finished', 'request.finished', 'process.exited'] as const;

describe('a policy in charge', { timeout: 60_000 }, () => {
  it('swaps, and its decision holds the hash of its source, what it logged, and that it was asked', async () => {
    const source = planning(
      `view.log('asked for ' + view.target + ' by ' + view.waiting.map((one) => one.client).join());${EVICT_ALL}`,
    );
    const { turnout } = await withPolicy({ models: THREE, files: { 'policy.js': source } });
    expect(await status(ask(turnout, 'a'))).toBe(200);
    expect(await status(ask(turnout, 'b', 'anna'))).toBe(200);
    const last = (await turnout.events('plan.decided')).at(-1);
    expect(last).toMatchObject({ model: 'b', data: { via: 'live', verdict: { action: 'swap', evict: ['a'] } } });
    expect(last?.data.planner).toMatchObject({ name: 'test', version: '1' });
    expect(last?.data.planner.sourceHash).toBe(createHash('sha256').update(source).digest('hex'));
    expect(last?.data.logs).toEqual([expect.stringMatching(/^asked for b by anna/)]);
    await turnout.stop();
  });

  it('refuses one client and lets another wait for the same target in one answer', async () => {
    const source = planning(`
      const mine = view.waiting.filter((one) => one.model === view.target);
      const refused = mine.filter((one) => one.client.startsWith('batch')).map((one) => one.request);
      if (refused.length > 0 && refused.length < mine.length) {
        return { action: 'reject', status: 429, retryAfterSec: 77, reason: 'batch jobs run at night', requests: refused };
      }
      if (mine.length < 2) return { action: 'wait', forMs: 250, reason: 'until both are there' };
      ${EVICT_ALL}`);
    const { turnout } = await withPolicy({ models: THREE, files: { 'policy.js': source } });
    const kept = ask(turnout, 'a', 'human/1');
    const refused = await ask(turnout, 'a', 'batch/1');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('77');
    expect(await refused.text()).toContain('batch jobs run at night');
    const decided = await until('the refusal', async () =>
      (await turnout.events('plan.decided')).find((event) => event.data.outcome === 'rejected'),
    );
    expect(decided.data.verdict).toMatchObject({ action: 'reject', requests: [expect.any(String)] });
    expect(await turnout.events('request.rejected')).toHaveLength(1);
    // the one that was kept still waits, and is served with the next one
    const other = ask(turnout, 'a', 'human/2');
    expect(await status(kept)).toBe(200);
    expect(await status(other)).toBe(200);
    await turnout.stop();
  });

  it('lets a loaded model serve instead, which the answer names', async () => {
    const source = planning(`
      const warm = view.models.find((model) => model.phase === 'ready');
      if (warm !== undefined) return { action: 'redirect', model: warm.id, reason: 'it is warm' };
      ${EVICT_ALL}`);
    const { turnout } = await withPolicy({ models: THREE, files: { 'policy.js': source } });
    expect(await status(ask(turnout, 'a'))).toBe(200);
    const answer = await ask(turnout, 'b');
    expect(answer.headers.get('x-turnout-model')).toBe('a');
    expect(await answer.text()).toContain('"a');
    await turnout.stop();
  });

  it('hands on to a built-in, which then spares what the policy protects', async () => {
    const source = planning(
      "return { action: 'delegate', planner: 'group', protect: view.options.keep, reason: 'the usual' };",
      "\n  options: { keep: { type: 'model[]', default: [] } },",
    );
    const { turnout } = await withPolicy({
      models: THREE,
      files: { 'policy.js': source },
      policy: '{ file: ./policy.js, options: { keep: [a] }, fallback: group }',
    });
    expect(await status(ask(turnout, 'a'))).toBe(200);
    const leave = new AbortController();
    const waits = ask(turnout, 'b', 'x', {}, leave.signal).catch(() => null);
    const decided = await until('the decision about b', async () =>
      (await turnout.events('plan.decided')).find((event) => event.model === 'b'),
    );
    expect(decided.data).toMatchObject({ via: 'delegate', planner: { name: 'group' } });
    expect(decided.data.planner.sourceHash).toMatch(/^[0-9a-f]{64}$/);
    expect(decided.data.verdict.action).not.toBe('swap');
    expect((await turnout.events('process.stopping')).length).toBe(0);
    leave.abort();
    await waits;
    await turnout.stop();
  });

  it('orders those that wait', async () => {
    const source = planning(
      EVICT_ALL,
      "\n  rank(view) { return ['c', 'b', 'a'].filter((id) => view.waitingTotal[id] > 0); },",
    );
    const slow = { flags: '--tokens 30 --tokens-per-second 30' };
    const { turnout } = await withPolicy({ models: { a: slow, b: {}, c: {} }, files: { 'policy.js': source } });
    const first = status(ask(turnout, 'a'));
    await until('a to serve', async () => (await turnout.events('request.granted')).length === 1);
    const second = status(ask(turnout, 'b'));
    await until('b to wait', async () => (await turnout.events('request.arrived')).length === 2);
    const third = status(ask(turnout, 'c'));
    expect(await Promise.all([first, second, third])).toEqual([200, 200, 200]);
    const ranked = await turnout.events('targets.ranked');
    expect(ranked.map((event) => event.data.order)).toContainEqual(['c', 'b']);
    const swaps = (await turnout.events('swap.started')).map((event) => event.model);
    expect(swaps).toEqual(['a', 'c', 'b']);
    await turnout.stop();
  });

  it('loads and unloads while nothing waits, and is asked again when it wants to be', async () => {
    const source = planning(
      "return { action: 'swap', evict: [], reason: 'there is room' };",
      `
  idle(view) {
    const a = view.models.find((model) => model.id === 'a');
    if (a.phase === 'stopped' && a.loadMs.last === null) return { action: 'load', model: 'a', reason: 'it is always there' };
    if (a.phase === 'ready' && a.idleMs >= 1500) return { action: 'unload', model: 'a', reason: 'nobody came' };
    if (a.phase === 'ready') return { action: 'none', wakeAt: view.now + 1600 - a.idleMs };
    return { action: 'none' };
  },`,
    );
    const { turnout } = await withPolicy({ models: THREE, files: { 'policy.js': source }, tail: TOGETHER });
    const stopping = await until('a to be unloaded', async () => (await turnout.events('process.stopping'))[0]);
    expect(stopping.data).toMatchObject({ reason: 'policy', detail: 'nobody came' });
    const ready = (await turnout.events('process.ready'))[0];
    expect(stopping.at - (ready?.at ?? 0)).toBeGreaterThanOrEqual(1_500);
    const idled = (await turnout.events('policy.idled')).map((event) => event.data.verdict.action);
    expect([...new Set(idled)]).toEqual(['load', 'none', 'unload']);
    expect((await turnout.events('request.arrived'))[0]?.data).toMatchObject({ kind: 'idle', endpoint: 'policy' });
    expect(idled.length).toBeLessThan(8);
    await turnout.stop();
  });
});

const COUNTING = planning(
  `return { action: 'swap', evict: view.candidates[0]?.evict ?? [], reason: 'told: ' + JSON.stringify(view.state) };`,
  `
  events: ['swap.finished', 'request.finished', 'process.exited'],
  initial() { return { seen: 0, sum: 7 }; },
  evolve(state, event) {
    // what it was told, whole and in its order: a difference in a single character would show
    let sum = state.sum;
    for (const char of JSON.stringify(event)) sum = (sum * 31 + char.charCodeAt(0)) % 1000000007;
    return { seen: state.seen + 1, sum };
  },`,
);

/** What the policy remembers, told in a dry run, which changes nothing. */
async function remembered(turnout: Turnout): Promise<{ seen: number; sum: number }> {
  const { reason } = await until('the policy to answer by itself', async () => {
    const plan = (await (await turnout.get('/api/plan?model=c')).json()) as { reason: string };
    return plan.reason.startsWith('told: ') ? plan : null;
  });
  return JSON.parse(reason.slice('told: '.length));
}

describe('the memory of a policy', { timeout: 60_000 }, () => {
  it('is the same whether it lived through the events or was rebuilt: after the death of its host, after a restart', async () => {
    const setup = { models: THREE, files: { 'policy.js': COUNTING } };
    const { turnout, dir } = await withPolicy(setup);
    for (const model of ['a', 'b', 'a']) expect(await status(ask(turnout, model))).toBe(200);
    await until('the last request to be over', async () => (await turnout.events('request.finished')).length === 3);
    const lived = await remembered(turnout);
    expect(lived.seen).toBe((await turnout.events(...SEEN)).length);
    process.kill(await hostPid(turnout), 'SIGKILL');
    expect(await remembered(turnout)).toEqual(lived);
    await turnout.stop();

    const { turnout: next } = await withPolicy({ ...setup, dir });
    await taken(next, 2);
    const rebuilt = await remembered(next);
    expect(rebuilt.seen).toBe((await next.events(...SEEN)).length);
    expect(await status(ask(next, 'b'))).toBe(200);
    await until('the request to be over', async () => (await next.events('request.finished')).length === 4);
    const onward = await remembered(next);
    expect(onward.seen).toBe((await next.events(...SEEN)).length);
    process.kill(await hostPid(next), 'SIGKILL');
    expect(await remembered(next)).toEqual(onward);
    await next.stop();
  });
});
