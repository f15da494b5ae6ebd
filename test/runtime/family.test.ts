/** Who belongs to a run, decided on tables of processes that were made up (kernel section 5). */
import { describe, expect, test } from 'vitest';
import { type FamilyMark, familyOf } from '../../src/core/runtime/local/family.ts';
import { type Proc, parseStat } from '../../src/core/runtime/local/proc.ts';

const proc = (pid: number, more: Partial<Proc> = {}): Proc => ({
  pid,
  start: `${pid}0`,
  parent: 1,
  group: pid,
  state: 'S',
  name: 'p',
  tag: null,
  outputs: [],
  ...more,
});
const mark = (more: Partial<FamilyMark> = {}): FamilyMark => ({
  leader: { pid: 100, start: '1000' },
  ownChild: true,
  tag: '7:here',
  output: '8:9',
  known: new Map(),
  ...more,
});
const pids = (table: Proc[], of: FamilyMark): number[] => familyOf(table, of).map((member) => member.pid);

describe('familyOf()', () => {
  test('unites leader, group, mark, output and children', () => {
    const table = [
      proc(1),
      proc(100, { tag: '7:here' }),
      proc(101, { group: 100 }),
      proc(102, { tag: '7:here' }),
      proc(103, { outputs: ['1:2', '8:9'] }),
      proc(104, { parent: 103 }),
      proc(105, { parent: 104 }),
      proc(106, { tag: '7:elsewhere' }),
      proc(107, { tag: '70:here' }),
      proc(108, { outputs: ['8:99'] }),
    ];
    expect(pids(table, mark()).sort()).toEqual([100, 101, 102, 103, 104, 105]);
  });

  test('counts zombies as gone', () => {
    expect(pids([proc(100, { state: 'Z' }), proc(101, { group: 100, state: 'Z' })], mark())).toEqual([]);
  });

  test('still finds the group of a leader that is gone, while we watch', () => {
    expect(pids([proc(101, { group: 100 })], mark())).toEqual([101]);
  });

  test('does not take a group for ours whose number was given to a stranger', () => {
    const stranger = [proc(100, { start: '5555' }), proc(101, { group: 100 })];
    expect(pids(stranger, mark())).toEqual([]);
    expect(pids(stranger, mark({ ownChild: false }))).toEqual([]);
  });

  test('takes the group of a leader that ended before we came only if one of us is in it', () => {
    const table = [proc(101, { group: 100 }), proc(102, { group: 100 })];
    expect(pids(table, mark({ ownChild: false }))).toEqual([]);
    const withUs = [...table, proc(103, { group: 100, tag: '7:here' })];
    expect(pids(withUs, mark({ ownChild: false })).sort()).toEqual([101, 102, 103]);
  });

  test('remembers a member that hides later, and forgets it when its pid is a stranger', () => {
    const of = mark();
    familyOf([proc(100), proc(102, { parent: 100 })], of);
    expect(pids([proc(102)], of)).toEqual([102]);
    expect(pids([proc(102, { start: 'later' })], of)).toEqual([]);
  });

  test('never contains turnout itself, nor what turnout started otherwise', () => {
    const table = [proc(process.pid, { tag: '7:here', parent: 100 }), proc(300, { parent: process.pid })];
    expect(pids(table, mark())).toEqual([]);
  });
});

describe('parseStat()', () => {
  const line = (name: string, state: string, threads: number): string =>
    `42 (${name}) ${state} 1 40 40 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 ${threads} 0 98765 1000 0`;
  test('copes with any name', () => {
    expect(parseStat(line('a) R (b\n', 'S', 1))).toMatchObject({
      pid: 42,
      name: 'a) R (b\n',
      state: 'S',
      start: '98765',
    });
  });
  test('does not take a process for gone whose threads outlive the first one', () => {
    expect(parseStat(line('x', 'Z', 1))?.state).toBe('Z');
    expect(parseStat(line('x', 'Z', 3))?.state).toBe('R');
  });
  test('gives nothing for what is no stat line', () => {
    expect(parseStat('')).toBeNull();
    expect(parseStat('42 (x) S')).toBeNull();
  });
});
