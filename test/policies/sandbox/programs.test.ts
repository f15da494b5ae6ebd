/** Programs come and go in one child, and stand in one line. */
import { describe, expect, it } from 'vitest';
import {
  asked,
  childMegabytes,
  faultOf,
  loaded,
  pidOf,
  planning,
  programOf,
  reasonOf,
  telling,
  testHost,
  unwrap,
  usualView,
} from './support.ts';

const VIEW = usualView();

describe('programs', () => {
  it('come and go without leaving anything: 100 of them keep the memory of the child flat', async () => {
    const host = testHost();
    const table = `const table = Array.from({ length: 20000 }, (_, i) => ({ i, text: 'entry ' + i }));\n`;
    const sizes: number[] = [];
    for (let i = 0; i < 120; i++) {
      await loaded(host, programOf(table + telling('table.length'), { slot: `slot-${i}` }));
      expect(reasonOf(await asked(host, { slot: `slot-${i}` }))).toBe('20000');
      host.drop(`slot-${i}`);
      if (i % 20 === 19) sizes.push(childMegabytes(host));
    }
    const [first = 0] = sizes;
    expect(Math.max(...sizes)).toBeLessThan(first + 25);
    expect(host.status()).toMatchObject({ starts: 1, slots: [] });
  });

  it('are never mixed: a new version under the same name answers only questions asked of it', async () => {
    const host = testHost();
    await loaded(host, programOf(telling('1')));
    const old = host.ask('live', 'plan', VIEW, 1);
    const loading = host.load(programOf(telling('2')));
    const meanwhile = faultOf(await host.ask('live', 'plan', VIEW, 1));
    expect(meanwhile).toMatchObject({ kind: 'dead', guilty: false, message: 'the policy is being loaded' });
    expect(reasonOf((await old) as never)).toBe('1');
    unwrap(await loading);
    expect(reasonOf(await asked(host))).toBe('2');
  });

  it('that are live are asked before shadows', async () => {
    const host = testHost();
    await loaded(host, programOf(telling('1'), { slot: 'shadow', live: false }));
    await loaded(host, programOf(telling('2')));
    const order: string[] = [];
    const ask = (slot: string) => host.ask(slot, 'plan', '{}', 1).then(() => order.push(slot));
    await Promise.all([ask('shadow'), ask('shadow'), ask('shadow'), ask('live'), ask('live')]);
    expect(order).toEqual(['shadow', 'live', 'live', 'shadow', 'shadow']);
  });

  it('that are slow hold up a bounded line: every question ends in time', async () => {
    const host = testHost();
    await loaded(host, programOf(planning('for (let i = 0; i < 1e5; i++) Math.sqrt(i); for (;;);')));
    const began = performance.now();
    const ends = Array.from({ length: 200 }, async () => {
      const fault = faultOf(await host.ask('live', 'plan', '{}', 1));
      return { guilty: fault.guilty, ms: performance.now() - began, message: fault.message };
    });
    const results = await Promise.all(ends);
    expect(Math.max(...results.map(({ ms }) => ms))).toBeLessThan(500);
    expect(results.filter(({ message }) => message === '64 questions wait already')).toHaveLength(200 - 65);
    expect(host.status().starts).toBe(1);
  });

  it('are not blamed for the time that the machine did not give them', async () => {
    const host = testHost();
    await loaded(
      host,
      programOf(planning("for (let i = 0; i < 3e5; i++); return { action: 'wait', reason: 'done' };")),
    );
    unwrap(await asked(host));
    for (let round = 0; round < 5; round++) {
      const answer = host.ask('live', 'plan', '{}', 1);
      await new Promise((resolve) => setTimeout(resolve, 2));
      process.kill(pidOf(host), 'SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 70));
      process.kill(pidOf(host), 'SIGCONT');
      const result = await answer;
      if (!result.ok) expect(result.fault).toMatchObject({ kind: 'timeout', guilty: false });
    }
    expect(reasonOf(await asked(host))).toBe('done');
    expect(host.status().starts).toBe(1);
  });
});
