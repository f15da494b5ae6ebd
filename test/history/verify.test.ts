/** Every recorded decision asked again: the same, or the first that is not with both answers. Logs of the real kernel. */
import { describe, expect, it } from 'vitest';
import type { EventOf, TurnoutEvent } from '../../src/core/events.ts';
import { isReproduced, type PolicySaid, sameJson, verifyDecisions } from '../../src/core/history/verify/verify.ts';
import { verificationText } from '../../src/core/history/verify/verify-text.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { type KernelSpec, kernel } from '../core/harness.ts';
import { readerOf } from './reader.ts';

/** A log with swaps, a wait behind a busy model, and a request that joined: at least three decisions. */
function recorded(spec: KernelSpec = {}): TurnoutEvent[] {
  const k = kernel(spec).boot();
  const first = k.serve('a');
  const second = k.request('b');
  k.pass(1_000);
  k.finish(first);
  k.exited('a');
  k.ready('b');
  k.finish(second);
  k.request('c');
  k.exited('b');
  k.ready('c');
  expect(k.check()).toEqual([]);
  return k.events;
}

const decisionsIn = (events: readonly TurnoutEvent[]) =>
  events.filter((event): event is EventOf<'plan.decided'> => event.type === 'plan.decided');

function verify(events: readonly TurnoutEvent[], said: PolicySaid = { failed: 'not expected' }, from = 0) {
  const asked: number[] = [];
  const found = verifyDecisions(
    readerOf(events),
    { from, to: events.length },
    {
      makeBuiltIn: builtInPlanner,
      askPolicy: async (past) => {
        asked.push(past.decision.position);
        return said;
      },
    },
  );
  return found.then((result) => ({ ...result, asked }));
}

/** The log with one decision changed. */
function changed(
  events: readonly TurnoutEvent[],
  nth: number,
  change: (data: EventOf<'plan.decided'>['data']) => object,
) {
  const { position } = decisionsIn(events)[nth] as TurnoutEvent;
  return events.map((event) => {
    if (event.position !== position || event.type !== 'plan.decided') return event;
    return { ...event, data: { ...event.data, ...change(event.data) } } as TurnoutEvent;
  });
}

describe('verifyDecisions()', () => {
  it('finds that a built-in decides the same again', async () => {
    const events = recorded();
    const found = await verify(events);
    expect(decisionsIn(events).length).toBeGreaterThanOrEqual(3);
    expect(found).toMatchObject({
      decisions: decisionsIn(events).length,
      same: found.decisions,
      different: 0,
      first: null,
    });
    expect(found.asked).toEqual([]);
    expect(isReproduced(found)).toBe(true);
    expect(verificationText(found, {})).toEqual([`${found.decisions} decisions asked again: ${found.same} the same`]);
  });

  it('names the first decision that comes out differently, with both answers', async () => {
    const events = recorded();
    const verdict = { action: 'wait', reason: 'somebody wrote this into the log' } as const;
    const tampered = changed(
      changed(events, 1, () => ({ verdict })),
      2,
      () => ({ verdict }),
    );
    const found = await verify(tampered);
    const { position, at } = decisionsIn(events)[1] as TurnoutEvent;
    expect(found).toMatchObject({ different: 2, same: found.decisions - 2 });
    expect(isReproduced(found)).toBe(false);
    expect(found.first).toMatchObject({
      position,
      at,
      target: 'b',
      planner: 'group',
      recorded: { verdict },
      answered: { verdict: { action: 'swap', evict: ['a'] }, outcome: 'pending', failed: null },
    });
    const [head, where, was, is] = verificationText(found, { utc: true });
    expect(head).toBe(`${found.decisions} decisions asked again: ${found.same} the same and 2 different`);
    expect(where).toMatch(
      new RegExp(`^the first that differs is at position ${position}, 1970-01-01 .* about b \\(group planner\\):$`),
    );
    expect(was).toMatch(/^ {2}recorded: wait: somebody wrote this into the log \(\w+\)$/);
    expect(is).toMatch(/^ {2}answered: swap, evicting a: .+ \(\w+\)$/);
  });

  it('notices an outcome that the kernel would not have recorded', async () => {
    const found = await verify(changed(recorded(), 0, () => ({ outcome: 'rejected' })));
    expect(found.first).toMatchObject({ recorded: { outcome: 'rejected' }, answered: { outcome: 'started' } });
  });

  it('does not compare with another version of a built-in, nor with another built-in', async () => {
    const version = changed(recorded(), 0, () => ({ planner: { name: 'group', version: '99' } }));
    const other = await verify(changed(version, 1, () => ({ planner: { name: 'budget', version: '1' } })));
    expect(other).toMatchObject({
      different: 0,
      notComparable: {
        'group version 99 decided, this turnout has version 1': 1,
        '"budget" answered and "group" is the built-in then': 1,
      },
    });
    expect(verificationText(other, {})[0]).toMatch(/ the same and 2 not comparable \(1 x .*; 1 x .*\)$/);
  });

  it('looks only at decisions whose question lies in the range', async () => {
    const events = recorded();
    const [, second] = decisionsIn(events);
    const found = await verify(events, undefined, second?.position);
    expect(found.decisions).toBe(decisionsIn(events).length - 2);
  });

  it('says that there is none in a log without decisions', async () => {
    const found = await verify(kernel().boot().events);
    expect(verificationText(found, {})).toEqual(['no decision was recorded']);
  });

  it('ends when it is told to', async () => {
    const events = recorded();
    const stop = AbortSignal.abort();
    const ports = {
      makeBuiltIn: builtInPlanner,
      askPolicy: () => Promise.reject(new Error('not asked')),
      signal: stop,
    };
    await expect(verifyDecisions(readerOf(events), { from: 0, to: events.length }, ports)).rejects.toThrow(/abort/i);
  });
});

describe('verifyDecisions() of a policy', () => {
  const verdict = { action: 'swap', evict: ['a'], reason: 'mine' } as const;
  const planner = { name: 'mine', version: '1', sourceHash: 's', optionsHash: 'o' };
  const byPolicy = () => changed(recorded(), 1, () => ({ planner, verdict }));

  it('asks the policy itself, and compares what it says', async () => {
    const same = await verify(byPolicy(), { said: { reason: 'mine', evict: ['a' as never], action: 'swap' } });
    expect(same).toMatchObject({ different: 0, asked: [decisionsIn(byPolicy())[1]?.position] });
    const other = await verify(byPolicy(), { said: { action: 'reject', status: 503, reason: 'no' } });
    expect(other.first?.answered.verdict).toEqual({ action: 'reject', status: 503, reason: 'no' });
  });

  it('takes an error of it for a difference', async () => {
    const found = await verify(byPolicy(), { failed: 'TypeError: x is not a function' });
    expect(found).toMatchObject({
      different: 1,
      first: { answered: { verdict: null, failed: 'TypeError: x is not a function' } },
    });
    expect(verificationText(found, {}).at(-1)).toMatch(/answered: no answer: TypeError: x is not a function/);
  });

  it('counts what proves nothing by its reason', async () => {
    const lost = await verify(byPolicy(), { notComparable: 'the source of the policy is not in the log' });
    expect(lost.notComparable).toEqual({ 'the source of the policy is not in the log': 1 });
    const slow = await verify(byPolicy(), { notReproducible: 'the policy gave no answer (timeout)' });
    expect(slow.notReproducible).toEqual({ 'the policy gave no answer (timeout)': 1 });
    expect(isReproduced(slow)).toBe(true);
  });
});

describe('sameJson()', () => {
  it('does not look at the order of keys, nor at what is undefined', () => {
    expect(sameJson({ a: 1, b: [1, { c: 2, d: 3 }] }, { b: [1, { d: 3, c: 2 }], a: 1, e: undefined })).toBe(true);
    expect(sameJson([1, 2], [2, 1])).toBe(false);
    expect(sameJson(null, undefined)).toBe(false);
  });
});
