/** Whatever a policy does: the question is settled in time, the child stays small, and the next policy is served. */
import { describe, expect, it } from 'vitest';
import type { PolicyFault } from '../../../src/policies/sandbox/types.ts';
import { until } from '../../support/until.ts';
import { EXHAUSTING, REFUSED } from './hostile-programs.ts';
import {
  asked,
  faultOf,
  LRU,
  loaded,
  planning,
  programOf,
  testHost,
  unwrap,
  usualView,
  watchMemory,
} from './support.ts';

const VIEW = usualView();
const SETTLED_MS = 500;
/** Turnout stops it at 320; it grows while it is being looked at. With nobody looking it takes 1,200. */
const CHILD_MEGABYTES = 900;

describe('a policy that takes time or memory', () => {
  const host = testHost();

  /** A busy machine can keep a policy from running at all: then it is asked again. */
  async function faultInTime(body: string): Promise<PolicyFault> {
    return until('a fault of the policy', async () => {
      await loaded(host, programOf(planning(body)));
      const began = performance.now();
      const fault = faultOf(await host.ask('live', 'plan', VIEW, 1));
      expect(performance.now() - began).toBeLessThan(SETTLED_MS);
      return fault.guilty ? fault : null;
    });
  }

  it.each(Object.entries(EXHAUSTING))('%s: its question is settled within 500 ms', async (_, { body, kinds }) => {
    const highest = watchMemory(host);
    const before = process.memoryUsage().arrayBuffers;
    expect(kinds).toContain((await faultInTime(body)).kind);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024);
    host.drop('live');
    await loaded(host, programOf(LRU, { slot: 'next' }));
    const { answer } = unwrap(await asked(host, { slot: 'next', view: VIEW }));
    expect(answer).toMatchObject({ action: 'swap', evict: ['qwen3-coder-16b-instruct'] });
    expect(highest()).toBeLessThan(CHILD_MEGABYTES);
  });
});

describe('a policy that does what it may not', () => {
  const host = testHost();

  it.each(Object.entries(REFUSED))('%s: is told so', async (_, { body, kinds, message }) => {
    const fault = await until('a fault that is not for the time that a busy machine took', async () => {
      await loaded(host, programOf(planning(body)));
      const found = faultOf(await asked(host, { view: VIEW }));
      return found.kind === 'timeout' ? null : found;
    });
    expect(kinds).toContain(fault.kind);
    expect(fault.message).toContain(message);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('never brought the child down', () => expect(host.status().lastEnd ?? '').not.toMatch(/memory|ended with/));
});
