/** A child that dies under questions: none of them is left without an end, and nobody is blamed who had no part in it. */

import { describe, expect, it } from 'vitest';
import type { PolicyHost } from '../../../src/policies/sandbox/types.ts';
import { lives } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import {
  asked,
  fakeHost,
  faultOf,
  isReady,
  LRU,
  loaded,
  pidOf,
  planning,
  programOf,
  reasonOf,
  testHost,
  unwrap,
  usualView,
} from './support.ts';

const VIEW = usualView();

const HANG = 'let x = 3n; for (;;) x = x * x;';

describe('a child that dies under questions', () => {
  /** Kills it again and again while questions are asked; gives how they ended. */
  async function killed(host: PolicyHost, times: number): Promise<{ answered: number; refused: number }> {
    const counts = { answered: 0, refused: 0, asked: 0 };
    for (let kill = 1; kill <= times; kill++) {
      await loaded(host, programOf(LRU, { slot: 'other' })); // does not wait for the pause
      await isReady(host, 'live');
      unwrap(await asked(host, { view: VIEW }));
      const results = Array.from({ length: 8 }, () => host.ask('live', 'plan', VIEW, 1));
      counts.asked += 8;
      process.kill(pidOf(host), 'SIGKILL');
      for (const result of await Promise.all(results)) {
        if (result.ok) counts.answered++;
        else {
          counts.refused++;
          expect(result.fault).toMatchObject({ guilty: false });
        }
      }
    }
    expect(counts.answered + counts.refused).toBe(counts.asked);
    expect(host.status().starts).toBe(times);
    return counts;
  }

  it('loses none of them in 15 kills, and blames no policy', { timeout: 90_000 }, async () => {
    const host = testHost();
    await loaded(host, programOf(LRU));
    expect((await killed(host, 15)).refused).toBeGreaterThan(0);
  });

  it('loses none of them in 85 kills of a child that starts faster', { timeout: 90_000 }, async () => {
    const host = testHost({ command: fakeHost('well') });
    await loaded(host, programOf(LRU));
    expect((await killed(host, 85)).refused).toBeGreaterThan(0);
  });

  it('has its programs loaded again by itself, with their memory rebuilt from the log', async () => {
    const log = Array.from({ length: 500 }, (_, n) => JSON.stringify({ n }));
    const host = testHost({
      async *replay({ upTo }) {
        yield log.slice(0, upTo);
      },
    });
    const summing = `export default { name: 'sum', apiVersion: 1, events: ['swap.finished'], initial: () => 0,
      evolve: (state, event) => state + event.n, plan: (view) => ({ action: 'wait', reason: String(view.state) }) };`;
    await loaded(host, programOf(summing));
    host.evolve('live', 300, log.slice(0, 300));
    expect(reasonOf(await asked(host))).toBe('44850');
    host.evolve('live', 400, log.slice(300, 400));
    process.kill(pidOf(host), 'SIGKILL');
    host.evolve('live', 450, log.slice(400, 450));
    await until('the child to be gone', () => host.status().phase === 'waiting');
    host.evolve('live', 500, log.slice(450));
    await isReady(host, 'live');
    expect(reasonOf(await asked(host))).toBe('124750');
  });

  it('says when the memory of a policy cannot be rebuilt', async () => {
    const faults: string[] = [];
    const host = testHost({ onFault: (slot, fault) => faults.push(`${slot}: ${fault.message}`) });
    const source = `export default { name: 'm', apiVersion: 1, events: ['swap.finished'], evolve: () => 1, plan: () => ({ action: 'wait', reason: 'x' }) };`;
    await loaded(host, programOf(source));
    host.evolve('live', 1, ['{}']);
    unwrap(await asked(host));
    process.kill(pidOf(host), 'SIGKILL');
    await until('the fault', () => faults.length > 0);
    expect(faults).toEqual(['live: its memory cannot be rebuilt: nobody gives the events again']);
    expect(host.status().slots).toMatchObject([{ phase: 'broken', fault: { guilty: false } }]);
  });

  it('is not blamed on a policy that only stood in line', async () => {
    const host = testHost();
    await loaded(host, programOf(planning(HANG), { slot: 'shadow', live: false }));
    await loaded(host, programOf(LRU));
    const shadow = host.ask('shadow', 'plan', VIEW, 1);
    await new Promise(setImmediate);
    const began = performance.now();
    const live = faultOf(await host.ask('live', 'plan', VIEW, 1));
    expect(performance.now() - began).toBeLessThan(500);
    expect(live).toMatchObject({ kind: 'timeout', guilty: false, message: 'stood in line behind "shadow" for 150 ms' });
    expect(faultOf(await shadow)).toMatchObject({ kind: 'timeout' });
    host.drop('shadow');
    await until('the child to be replaced', () => host.status().starts === 2);
    await isReady(host, 'live');
    unwrap(await asked(host, { view: VIEW }));
  });

  it('is not brought down a second time by the program that did it while it was loaded', async () => {
    const faults: string[] = [];
    const host = testHost({ onFault: (slot, fault) => faults.push(`${slot}: ${fault.kind}`) });
    await loaded(host, programOf(LRU));
    const poison = `const table = (() => { ${HANG} })();\n${LRU}`;
    const fault = await until('a fault of the program', async () => {
      const found = faultOf(await host.load(programOf(poison, { slot: 'poison' })));
      return found.guilty ? found : null;
    });
    expect(fault).toMatchObject({ kind: 'timeout', during: 'load' });
    await isReady(host, 'live');
    unwrap(await asked(host, { view: VIEW }));
    const { starts, slots } = host.status();
    expect(slots).toMatchObject([
      { slot: 'live', phase: 'ready' },
      { slot: 'poison', phase: 'broken' },
    ]);
    expect(faultOf(await host.ask('poison', 'plan', VIEW, 1))).toMatchObject({ kind: 'timeout', during: 'load' });
    expect(host.status().starts).toBe(starts);
    expect(faults).toEqual([]);
  });

  it('that is only stopped is replaced, and nobody is blamed', async () => {
    const host = testHost();
    await loaded(host, programOf(LRU));
    const pid = pidOf(host);
    process.kill(pid, 'SIGSTOP');
    const fault = faultOf(await host.ask('live', 'plan', VIEW, 1));
    expect(fault).toMatchObject({ kind: 'timeout', guilty: false });
    expect(fault.message).toContain('the machine was busy');
    await until('another child', () => pidOf(host) !== pid && host.status().phase === 'ready');
    expect(await lives(pid)).toBe(false);
    await isReady(host, 'live');
    unwrap(await asked(host, { view: VIEW }));
  });
});
