/** Asking what may not answer. */
import { describe, expect, test } from 'vitest';
import { type Answer, createAttempts } from '../../../src/core/runtime/devices/attempts.ts';
import { virtualClock } from './support.ts';

function world() {
  const clock = virtualClock();
  const warnings: string[] = [];
  const attempts = createAttempts(clock, (text) => warnings.push(text));
  const broken = async (): Promise<Answer<string>> => ({ problem: { cause: 'exit', text: 'the tool broke' } });
  const fine = async (): Promise<Answer<string>> => ({ value: 'fine' });
  return { clock, warnings, attempts, broken, fine };
}

describe('an attempt', () => {
  test('gives what the tool says, and leaves no timer behind', async () => {
    const { clock, attempts, fine, warnings } = world();
    expect(await attempts.ask('tool', fine)).toBe('fine');
    expect(clock.armed()).toBe(0);
    expect(warnings).toEqual([]);
  });

  test('gives up after two seconds, and tells the tool to end', async () => {
    const { clock, attempts, warnings } = world();
    let told = false;
    const asked = attempts.ask('tool', (signal) => {
      signal.addEventListener('abort', () => {
        told = true;
      });
      return new Promise(() => {});
    });
    await clock.pass(1_999);
    expect(told).toBe(false);
    await clock.pass(1);
    expect(await asked).toBeNull();
    expect(told).toBe(true);
    expect(warnings).toEqual(['tool did not answer within 2 s']);
  });

  test('is not made while the one before has not ended, however long ago it was given up', async () => {
    const { clock, attempts, fine } = world();
    let end = (_answer: Answer<string>): void => {};
    const asked = attempts.ask<string>('tool', () => new Promise((resolve) => (end = resolve)));
    await clock.pass(2_000);
    await asked;
    expect(await attempts.ask('tool', fine)).toBeNull();
    expect(await attempts.ask('another', fine)).toBe('fine');
    end({ value: 'late' });
    await clock.pass(0);
    expect(await attempts.ask('tool', fine)).toBe('fine');
  });

  test('that throws is a failure in words', async () => {
    const { attempts, warnings } = world();
    expect(await attempts.ask('tool', async () => Promise.reject(new Error('no more files')))).toBeNull();
    expect(warnings).toEqual(['tool: no more files']);
  });
});

describe('after three failures in a row', () => {
  test('a tool rests for five minutes, and is then tried once', async () => {
    const { clock, attempts, broken, fine } = world();
    let calls = 0;
    const counted = (): Promise<Answer<string>> => {
      calls++;
      return broken();
    };
    for (let i = 0; i < 10; i++) await attempts.ask('tool', counted);
    expect(calls).toBe(3);
    expect(attempts.gaveUp('tool')).toBe(true);
    await clock.pass(299_999);
    await attempts.ask('tool', counted);
    expect(calls).toBe(3);
    await clock.pass(1);
    await attempts.ask('tool', counted);
    await attempts.ask('tool', counted);
    expect(calls).toBe(4);
    await clock.pass(300_000);
    expect(await attempts.ask('tool', fine)).toBe('fine');
    expect(attempts.gaveUp('tool')).toBe(false);
    expect(attempts.problemOf('tool')).toBeNull();
  });

  test('which an answer in between interrupts', async () => {
    const { attempts, broken, fine } = world();
    for (const work of [broken, broken, fine, broken, broken]) await attempts.ask('tool', work);
    expect(attempts.gaveUp('tool')).toBe(false);
    expect(await attempts.ask('tool', fine)).toBe('fine');
  });
});

describe('a warning', () => {
  test('is given once for each cause, and the reason is kept', async () => {
    const { clock, attempts, broken, warnings } = world();
    for (let i = 0; i < 4; i++) {
      await attempts.ask('tool', broken);
      await clock.pass(300_000);
    }
    const hung = attempts.ask('tool', () => new Promise(() => {}));
    await clock.pass(2_000);
    await hung;
    expect(warnings).toEqual(['the tool broke', 'tool did not answer within 2 s']);
    expect(attempts.problemOf('tool')).toBe('tool did not answer within 2 s');
  });

  test('is not given for what is cut short by closing', async () => {
    const { clock, attempts, fine, warnings } = world();
    let end = () => {};
    const asked = attempts.ask<string>(
      'tool',
      (signal) =>
        new Promise((resolve) => {
          end = () => resolve({ problem: { cause: 'exit', text: 'killed' } });
          signal.addEventListener('abort', end);
        }),
    );
    attempts.close();
    await clock.pass(0);
    expect(await asked).toBeNull();
    expect(await attempts.ask('tool', fine)).toBeNull();
    expect(warnings).toEqual([]);
    expect(clock.armed()).toBe(0);
  });
});
