/** The child process: it starts when it is needed, is replaced when it dies, and is stopped when it breaks the rules. */
import { describe, expect, it } from 'vitest';
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
  testHost,
  unwrap,
  usualView,
} from './support.ts';

const VIEW = usualView();

describe('the child', () => {
  it('is not there before the first program is loaded', async () => {
    const host = testHost();
    expect(host.status()).toEqual({ phase: 'idle', pid: null, starts: 0, restartInMs: null, lastEnd: null, slots: [] });
    expect(faultOf(await host.ask('live', 'plan', VIEW, 1))).toMatchObject({ kind: 'dead', guilty: false });
    await loaded(host, programOf(LRU));
    expect(host.status()).toMatchObject({ phase: 'ready', starts: 1 });
  });

  it('is gone after close, and whoever waits is told', async () => {
    const host = testHost();
    await loaded(host, programOf(planning('for (;;);')));
    const pid = pidOf(host);
    const waiting = [1, 2, 3].map(() => host.ask('live', 'plan', VIEW, 1));
    await host.close();
    for (const result of await Promise.all(waiting)) expect(result.ok).toBe(false);
    expect(await lives(pid)).toBe(false);
    expect(faultOf(await host.load(programOf(LRU)))).toMatchObject({
      kind: 'dead',
      message: 'the policy host is closed',
    });
    await host.close();
  });

  it('is told to go first when memory runs out on the machine', async () => {
    const { readFileSync } = await import('node:fs');
    const host = testHost();
    await loaded(host, programOf(LRU));
    expect(readFileSync(`/proc/${pidOf(host)}/oom_score_adj`, 'utf8').trim()).toBe('1000');
  });

  it('is stopped when it holds too much memory', async () => {
    const host = testHost({ command: fakeHost('fat') });
    const fault = faultOf(await host.load(programOf(LRU)));
    expect(fault).toMatchObject({ kind: 'memory', guilty: true });
    expect(fault.message).toMatch(/^the policy host used \d{3} MB of memory and was stopped$/);
  });

  it('that does not come up is told with its reason', async () => {
    const host = testHost({ command: fakeHost('dies') });
    const fault = faultOf(await host.load(programOf(LRU)));
    expect(fault).toMatchObject({ kind: 'dead', during: 'load', guilty: false });
    expect(fault.message).toBe('the policy host ended with code 1: Error: the addon does not fit this engine');
    const nowhere = testHost({ command: { file: '/nowhere/node', args: [] } });
    expect(faultOf(await nowhere.load(programOf(LRU))).message).toContain(
      'cannot be started: spawn /nowhere/node ENOENT',
    );
  });

  it('is started again after a pause that doubles', async () => {
    const host = testHost({ command: fakeHost('exit') });
    await loaded(host, programOf(LRU));
    const pauses: number[] = [];
    for (let starts = 1; starts <= 4; starts++) {
      await isReady(host, 'live');
      expect(host.status().starts).toBe(starts);
      expect(faultOf(await host.ask('live', 'plan', VIEW, 1)).message).toBe('the policy host ended with code 3');
      pauses.push(host.status().restartInMs ?? 0);
    }
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeLessThanOrEqual(100 * 2 ** i);
      expect(pause).toBeGreaterThan(50 * 2 ** i);
    }
  });

  it('is not started again for nobody', async () => {
    const host = testHost();
    await loaded(host, programOf(LRU));
    host.drop('live');
    process.kill(pidOf(host), 'SIGKILL');
    await until('the child to be gone', () => host.status().phase === 'idle');
    expect(host.status()).toMatchObject({ starts: 1, lastEnd: 'the policy host ended with SIGKILL' });
  });
});

describe('a child that does not keep to the rules', () => {
  it.each([
    ['ahead', 'answered what was not asked'],
    ['garbage', 'a frame of'],
    ['broken-json', 'said what it may not say'],
    ['wrong-shape', 'expected a whole number as id'],
    ['unknown-fault', 'expected one of hello, done, fault and rested'],
    ['huge', 'is over the limit'],
    ['exit', 'ended with code 3'],
    ['rests-first', 'it rests without having worked'],
    ['floods-answers', 'it answered what was not asked'],
    ['floods-rests', 'it rests without having worked'],
    ['complains', 'complained without end and was stopped'],
  ])('(%s) is stopped at once', async (how, message) => {
    const host = testHost({ command: fakeHost(how) });
    await loaded(host, programOf(LRU));
    const began = performance.now();
    const fault = faultOf(await host.ask('live', 'plan', VIEW, 1));
    expect(fault).toMatchObject({ kind: 'dead' });
    expect(fault.message).toContain(message);
    expect(performance.now() - began).toBeLessThan(500);
    expect(host.status().phase).toBe('waiting');
  });

  it.each(['abort', 'segv'])('may crash (%s), which takes a while: its question does not wait', async (how) => {
    const host = testHost({ command: fakeHost(how) });
    await loaded(host, programOf(LRU));
    const began = performance.now();
    expect(['dead', 'timeout']).toContain(faultOf(await host.ask('live', 'plan', VIEW, 1)).kind);
    expect(performance.now() - began).toBeLessThan(500);
    await until('it to be gone', () => host.status().lastEnd);
    expect(host.status().lastEnd).toMatch(/ended with SIG(ABRT|SEGV)|no sign of life/);
  });

  it('is listened to byte by byte', async () => {
    const host = testHost({ command: fakeHost('bytewise') });
    await loaded(host, programOf(LRU));
    expect(unwrap(await asked(host)).answer).toEqual({ action: 'wait', reason: 'fake' });
  });

  it('is heard once: one that answers twice is stopped, and what comes after the question was settled is dropped', async () => {
    const twice = testHost({ command: fakeHost('twice') });
    await loaded(twice, programOf(LRU));
    expect(unwrap(await asked(twice)).answer).toEqual({ action: 'wait', reason: 'fake' });
    await until('it to be stopped', () => twice.status().lastEnd?.includes('it answered what was not asked'));

    const late = testHost({ command: fakeHost('late') });
    await loaded(late, programOf(LRU));
    for (let i = 0; i < 2; i++) {
      const fault = faultOf(await late.ask('live', 'plan', VIEW, 1));
      expect(fault).toMatchObject({ kind: 'timeout' });
    }
    expect(late.status().starts).toBe(1);
  });

  it('may answer nonsense or at length: that is judged', async () => {
    const nonsense = testHost({ command: fakeHost('nonsense-answer') });
    await loaded(nonsense, programOf(LRU));
    expect(faultOf(await asked(nonsense))).toMatchObject({ kind: 'nonsense', guilty: true });
    const shapeless = testHost({ command: fakeHost('shapeless') });
    expect(faultOf(await shapeless.load(programOf(LRU)))).toMatchObject({ kind: 'shape' });
    const lines = testHost({ command: fakeHost('many-lines') });
    await loaded(lines, programOf(LRU));
    expect(unwrap(await asked(lines)).logs).toHaveLength(100);
  });

  it('is stopped after 500 ms without a sign of life', async () => {
    const host = testHost({ command: fakeHost('never') });
    await loaded(host, programOf(LRU));
    const pid = pidOf(host);
    const began = performance.now();
    expect(faultOf(await host.ask('live', 'plan', VIEW, 1))).toMatchObject({ kind: 'timeout' });
    await until('it to be stopped', () => host.status().lastEnd);
    expect(performance.now() - began).toBeGreaterThan(490);
    expect(host.status().lastEnd).toBe('the policy host gave no sign of life for 500 ms and was stopped');
    await until('it to be gone', async () => !(await lives(pid)));
  });
});
