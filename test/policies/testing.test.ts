/** Test tables of policies: what a case gives becomes a whole View, and an answer is held against what it expects. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Json } from '../../src/core/config/canonical.ts';
import { createPolicyHost } from '../../src/policies/sandbox/policy-host.ts';
import { stageOf } from '../../src/policies/testing/given.ts';
import { memoryIn, startingWith, tellingMemory } from '../../src/policies/testing/instrument.ts';
import { differences } from '../../src/policies/testing/match.ts';
import { type CaseResult, runCase } from '../../src/policies/testing/run-case.ts';
import { type PolicyCase, readTable, TableFault } from '../../src/policies/testing/table.ts';

const host = createPolicyHost();
afterAll(() => host.close());

const GIB = 1024 ** 3;

function caseOf(one: object, table: object = {}): PolicyCase {
  const [read] = readTable({ ...table, cases: [{ name: 'one', expect: {}, ...one }] }).cases;
  if (read === undefined) throw new Error('no case');
  return read;
}

const viewOf = (given: object, more: object = {}) => stageOf(caseOf({ given, ...more })).view;

function faultOf(act: () => unknown): TableFault {
  try {
    act();
  } catch (error) {
    if (error instanceof TableFault) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

function run(plan: string, one: object, rest = ''): Promise<CaseResult> {
  const source = `\nexport default { name: 'test', apiVersion: 1, ${rest} plan(view) { ${plan} } };\n`;
  return runCase(host, { file: 'test.js', source }, caseOf(one));
}

describe('what a case gives', () => {
  it('is filled up with idle, stopped models and one request that asks', () => {
    const view = viewOf({ target: 'a', models: { a: {}, b: { phase: 'ready' } } });
    expect(view.asking).toEqual(['r1']);
    expect(view.waitingTotal).toEqual({ a: 1 });
    expect(view.models.map(({ id, phase, idleMs, evictable }) => [id, phase, idleMs, evictable])).toEqual([
      ['a', 'stopped', null, true],
      ['b', 'ready', 60_000, true],
    ]);
    expect(view.candidates).toMatchObject([{ evict: ['b'] }]);
  });

  it('may be written as people write times, durations and sizes', () => {
    const view = viewOf({
      now: '2026-01-05T09:00:00+01:00',
      target: 'a',
      asking: [{ client: 'anna', ageMs: '2m' }],
      models: {
        a: {},
        b: { phase: 'ready', idleMs: '60s', memory: '4GiB', pinned: { until: '2026-01-05T10:00:00+01:00' } },
      },
    });
    expect(view.now).toBe(Date.UTC(2026, 0, 5, 8));
    expect(view.local).toMatchObject({ hour: 9, minute: 0, weekday: 1, offsetMin: 60 });
    expect(view.waiting).toMatchObject([{ client: 'anna', ageMs: 120_000, model: 'a' }]);
    expect(view.models[1]).toMatchObject({
      idleMs: 60_000,
      memory: { declared: 4 * GIB, counts: 4 * GIB },
      pinned: { owner: 'operator', until: Date.UTC(2026, 0, 5, 9) },
      evictable: { rule: 'pinned', until: Date.UTC(2026, 0, 5, 9) },
    });
  });

  it('that serves is busy, and counts its requests', () => {
    const [, b, c] = viewOf({
      target: 'a',
      models: { a: {}, b: { inFlight: 2 }, c: { serving: [{ client: 'bob' }] } },
    }).models;
    expect(b).toMatchObject({ phase: 'ready', inFlight: 2, idleMs: 0, evictable: { rule: 'busy' } });
    expect(c).toMatchObject({ inFlight: 1, lastClient: 'bob', serving: [{ request: 's1', client: 'bob' }] });
  });

  it('takes groups, tags and memory from a configuration', () => {
    const config = `models:
  a: { cmd: "x \${PORT}", turnout: { memory: 10GiB, tags: [code] } }
  b: { cmd: "x \${PORT}", turnout: { memory: 10GiB } }
  c: { cmd: "x \${PORT}", turnout: { memory: 10GiB } }
turnout: { devices: { gpu0: 24GiB }, timeZone: Asia/Tokyo }
`;
    const given = {
      now: '2026-01-05T00:00:00Z',
      target: 'a',
      models: { b: { phase: 'ready' }, c: { phase: 'ready' } },
    };
    const view = viewOf(given, { config, fallback: 'budget' });
    expect(view.models[0]).toMatchObject({ id: 'a', tags: ['code'], memory: { counts: 10 * GIB } });
    expect(view.local.hour).toBe(9);
    expect(view.devices).toEqual([{ id: 'gpu0', totalBytes: 24 * GIB, freeBytes: null, reservedBytes: 20 * GIB }]);
    expect(view.candidates.map(({ evict }) => evict)).toEqual(expect.arrayContaining([['b'], ['c']]));
  });

  it.each<[string, object, (string | number)[], string]>([
    [
      'an unknown key',
      { target: 'a', models: { a: { phas: 'ready' } } },
      ['models', 'a', 'phas'],
      'did you mean "phase"?',
    ],
    ['a model that is not there', { target: 'b', models: { a: {} } }, ['target'], 'there is no model "b"'],
    ['a wrong duration', { target: 'a', models: { a: { idleMs: 'long' } } }, ['models', 'a', 'idleMs'], 'such as 60s'],
    ['a wrong phase', { target: 'a', models: { a: { phase: 'up' } } }, ['models', 'a', 'phase'], 'stopped, starting'],
    ['no target', { models: { a: {} } }, [], 'must name the model that is asked for'],
    [
      'a stopped model that serves',
      { target: 'a', models: { a: { phase: 'stopped', inFlight: 1 } } },
      ['models', 'a'],
      'cannot serve',
    ],
  ])('that is wrong is told with its place: %s', (_what, given, path, message) => {
    const fault = faultOf(() => viewOf(given));
    expect(fault.path).toEqual(['cases', 0, 'given', ...path]);
    expect(fault.message).toContain(message);
  });
});

describe('what a case expects', () => {
  it.each<[string, Json, unknown, string[]]>([
    ['part of an answer', { action: 'swap' }, { action: 'swap', evict: ['a'], reason: 'x' }, []],
    ['ids in any order', { evict: ['b', 'a'] }, { evict: ['a', 'b'] }, []],
    ['an order where it counts', ['b', 'a'], ['a', 'b'], ['the answer']],
    ['other ids', { evict: ['a'] }, { evict: ['b'] }, ['evict']],
    ['a pattern', { reason: '/Idle/i' }, { reason: 'was idle' }, []],
    ['a pattern that is not met', { reason: '/busy/' }, { reason: 'was idle' }, ['reason']],
    ['a duration', { forMs: '1m' }, { forMs: 60_000 }, []],
    ['that a field is not there', { when: null }, { action: 'swap' }, []],
    ['a field below', { resolved: { evict: [] } }, { resolved: { evict: ['a'] } }, ['resolved.evict']],
  ])('%s', (_what, expected, got, at) => {
    expect(differences(expected, got).map((one) => one.at)).toEqual(at);
  });
});

describe('a case that is run', () => {
  const given = { target: 'a', models: { a: {}, b: { phase: 'ready' } } };

  it('holds when the answer is the expected one, and shows where not', async () => {
    const swap = `return { action: 'swap', evict: ['b'], reason: 'idle' };`;
    expect(await run(swap, { given, expect: { evict: ['b'] } })).toMatchObject({ ok: true, differences: [] });
    const failed = await run(swap, { given, expect: { evict: [], reason: '/idle/' } });
    expect(failed.ok).toBe(false);
    expect(failed.differences).toEqual([{ at: 'evict', expected: '[]', got: '["b"]' }]);
  });

  it('says what a delegate comes to', async () => {
    const result = await run(`return { action: 'delegate' };`, { given, expect: { resolved: { evict: ['b'] } } });
    expect(result).toMatchObject({ ok: true, resolved: { action: 'swap', evict: ['b'] } });
  });

  it('does not hold when the kernel would refuse the answer, unless that is expected', async () => {
    const pinned = { target: 'a', models: { a: {}, b: { phase: 'ready', pinned: 'anna' } } };
    const swap = `return { action: 'swap', evict: ['b'], reason: 'idle' };`;
    const refused = await run(swap, { given: pinned, expect: { action: 'swap' } });
    expect(refused).toMatchObject({ ok: false, illegal: { rule: 'pinned', detail: '"b" is pinned by anna' } });
    expect(await run(swap, { given: pinned, expect: { illegal: 'pinned' } })).toMatchObject({ ok: true });
    const nothing = await run(`return { action: 'swap', evict: [], reason: 'x' };`, { given, expect: {} });
    expect(nothing).toMatchObject({ ok: false, illegal: { rule: 'overcommit' } });
  });

  it('starts with the memory that is given, and folds the events that are given', async () => {
    const rest = `events: ['swap.finished'], initial: () => ({ n: 1 }), evolve: (state) => ({ n: state.n + 1 }),`;
    const tell = `return { action: 'wait', reason: 'n ' + view.state.n };`;
    const events = [{ type: 'swap.finished' }, { type: 'swap.started' }, { type: 'swap.finished' }];
    expect(await run(tell, { given, expect: { reason: 'n 1' } }, rest)).toMatchObject({ ok: true });
    expect(await run(tell, { given: { ...given, events }, expect: { reason: 'n 3' } }, rest)).toMatchObject({
      ok: true,
    });
    const remembering = { ...given, state: { n: 7 }, events };
    expect(await run(tell, { given: remembering, expect: { reason: 'n 9' } }, rest)).toMatchObject({ ok: true });
  });

  it('names the true place of a failure, also with a given memory', async () => {
    const result = await run(`return view.nothing.at;`, { given: { ...given, state: { n: 7 } } });
    expect(result).toMatchObject({ ok: false, fault: { kind: 'throw', during: 'plan', line: 2, column: 81 } });
  });

  it('may expect a failure', async () => {
    const one = { given, expect: { fault: { kind: 'throw', message: '/nothing/' } } };
    expect(await run(`throw new Error('nothing');`, one)).toMatchObject({ ok: true, fault: null });
  });

  it('asks rank and idle, too', async () => {
    const rest = `rank: () => ['b', 'a'], idle: (view) => ({ action: 'none', wakeAt: view.now + 1000 }),`;
    const models = { a: {}, b: {} };
    const waiting = [{ model: 'a' }, { model: 'b' }];
    const plan = `return { action: 'delegate' };`;
    const rank = { hook: 'rank', given: { models, waiting }, expect: ['b', 'a'] };
    expect(await run(plan, rank, rest)).toMatchObject({ ok: true });
    const now = '2026-01-05T09:00:00Z';
    const idle = { hook: 'idle', given: { models, now }, expect: { wakeAt: '2026-01-05T09:00:01Z' } };
    expect(await run(plan, idle, rest)).toMatchObject({ ok: true });
    await expect(run(plan, idle)).rejects.toThrow('the policy has no idle()');
  });
});

describe('a policy whose memory is told or given', () => {
  it('tells all of it, whatever it holds', async () => {
    const memory = { text: `"'\n\\ =`.repeat(300), deep: [{ a: null }] };
    const given = startingWith('export default { name: "x", apiVersion: 1, plan: () => null };', memory);
    const source = tellingMemory(
      (given as string).replace('const $policy=', 'const $inner=').replace(/\$policy/g, '$inner'),
    );
    const loaded = await host.load({
      slot: 'm',
      file: 'm.js',
      source: source as string,
      options: {},
      live: true,
      position: 0,
    });
    expect(loaded).toMatchObject({ ok: true });
    const told = await host.ask('m', 'plan', '{}', 1);
    expect(told.ok && memoryIn(told.value.logs)).toEqual(memory);
  });

  it('must have an export default to hold on to', () => {
    expect(startingWith('const policy = {};\nexport { policy as default };', {})).toBeNull();
  });
});
