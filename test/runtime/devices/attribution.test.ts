/** Which run holds what: every way in which it can be told, and every way in which it cannot. */
import { describe, expect, test } from 'vitest';
import { runId } from '../../../src/core/ids.ts';
import { attribute, type ObservedDevice, type ObservedRun } from '../../../src/core/runtime/devices/attribution.ts';
import { GIB, MIB } from './support.ts';

type Held = Record<number, number | null>;

const holdersOf = (held: Held | null) =>
  held === null ? null : new Map(Object.entries(held).map(([pid, bytes]) => [Number(pid), bytes]));

/** A GPU whose list of processes may be short of some. */
const gpu = (id: string, usedBytes: number, held: Held | null): ObservedDevice => ({
  id,
  source: 'nvidia-smi',
  usedBytes,
  holders: holdersOf(held),
  listsAll: false,
});

/** A device where nobody is missing. */
const sure = (id: string, usedBytes: number, held: Held | null): ObservedDevice => ({
  ...gpu(id, usedBytes, held),
  source: '/proc',
  listsAll: true,
});

const run = (id: number, pids: number[], before: Record<string, number> = {}, name = 'llama-server'): ObservedRun => ({
  run: runId(id),
  family: pids.map((pid) => ({ pid, name })),
  before: new Map(Object.entries(before)),
});

function told(devices: ObservedDevice[], runs: ObservedRun[], configured = devices.map(({ id }) => id)) {
  return Object.fromEntries(attribute(configured, devices, runs).map(({ run: id, bytes }) => [id, bytes]));
}

describe('by its processes', () => {
  test('a run holds what all of its family hold', () => {
    expect(told([gpu('gpu0', 9 * GIB, { 11: GIB, 12: 2 * GIB, 99: GIB })], [run(1, [11, 12, 13])])).toEqual({
      1: { gpu0: 3 * GIB },
    });
  });

  test('two runs on one device are told apart', () => {
    const devices = [gpu('gpu0', 9 * GIB, { 11: GIB, 21: 2 * GIB })];
    expect(told(devices, [run(1, [11]), run(2, [21])])).toEqual({ 1: { gpu0: GIB }, 2: { gpu0: 2 * GIB } });
  });

  test('a run that is seen on one GPU holds nothing on the others', () => {
    const devices = [gpu('gpu0', GIB, { 11: GIB }), gpu('gpu1', 5 * GIB, { 99: 5 * GIB })];
    expect(told(devices, [run(1, [11])])).toEqual({ 1: { gpu0: GIB, gpu1: 0 } });
  });

  test('a run that is not listed beside one that is holds nothing', () => {
    const devices = [gpu('gpu0', GIB, { 11: GIB })];
    expect(told(devices, [run(1, [11]), run(2, [21])])).toEqual({ 1: { gpu0: GIB }, 2: { gpu0: 0 } });
  });

  test('a run that is not listed beside a stranger may be that stranger, in a container', () => {
    const devices = [gpu('gpu0', 9 * GIB, { 11: GIB, 99: 8 * GIB })];
    expect(told(devices, [run(1, [11]), run(2, [21])])).toEqual({ 1: { gpu0: GIB } });
  });

  test('an empty list says nothing: all may be hidden', () => {
    expect(told([gpu('gpu0', 9 * GIB, {})], [run(1, [11])])).toEqual({});
  });

  test('where nobody is missing, who is not listed holds nothing', () => {
    expect(told([sure('ram', GIB, {})], [run(1, [11])])).toEqual({ 1: { ram: 0 } });
  });

  test('what one source sees says nothing of another', () => {
    const devices = [sure('ram', GIB, { 11: GIB }), gpu('gpu0', GIB, { 99: GIB })];
    expect(told(devices, [run(1, [11])])).toEqual({});
  });

  test.each(['docker', 'podman', 'ssh', 'srun'])('a client of %s holds not what its program holds', (name) => {
    expect(told([sure('ram', GIB, { 11: MIB })], [run(1, [11], {}, name)])).toEqual({});
    expect(told([sure('ram', 9 * GIB, { 11: MIB })], [run(1, [11], { ram: 2 * GIB }, name)])).toEqual({
      1: { ram: 7 * GIB },
    });
  });
});

describe('by the difference to before', () => {
  test.each<[string, Held | null]>([
    ['one of the family is not told', { 11: null, 12: GIB }],
    ['nobody is told', null],
    ['the list is empty', {}],
    ['only strangers are listed', { 99: 5 * GIB }],
  ])('a run holds what a device holds more when %s', (_why, held) => {
    const runs = [run(1, [11, 12], { gpu0: GIB })];
    expect(told([gpu('gpu0', 6 * GIB, held)], runs)).toEqual({ 1: { gpu0: 5 * GIB } });
  });

  test('nothing is told when what was before is not known', () => {
    expect(told([gpu('gpu0', 6 * GIB, { 11: null })], [run(1, [11])])).toEqual({});
  });

  test('a little less than before is nothing, much less is a riddle', () => {
    const devices = [gpu('gpu0', GIB, null)];
    expect(told(devices, [run(1, [11], { gpu0: GIB + 10 * MIB })])).toEqual({ 1: { gpu0: 0 } });
    expect(told(devices, [run(1, [11], { gpu0: 2 * GIB })])).toEqual({});
  });

  test('a run without a living process is told this way only', () => {
    expect(told([sure('ram', 2 * GIB, {})], [run(1, [], { ram: GIB })])).toEqual({ 1: { ram: GIB } });
    expect(told([sure('ram', 2 * GIB, {})], [run(1, [])])).toEqual({});
  });

  test('each device is told in its own way', () => {
    const devices = [gpu('gpu0', 6 * GIB, null), sure('ram', 9 * GIB, { 11: GIB })];
    expect(told(devices, [run(1, [11], { gpu0: GIB })])).toEqual({ 1: { gpu0: 5 * GIB, ram: GIB } });
  });
});

describe('a run appears with every configured device, or not at all', () => {
  test('because one device cannot be told', () => {
    const devices = [gpu('gpu0', 6 * GIB, { 99: GIB }), sure('ram', 9 * GIB, { 11: GIB })];
    expect(told(devices, [run(1, [11])])).toEqual({});
  });

  test('because one device was not seen this time', () => {
    expect(told([sure('ram', 9 * GIB, { 11: GIB })], [run(1, [11])], ['ram', 'gpu0'])).toEqual({});
  });

  test('and the others are told all the same', () => {
    const devices = [gpu('gpu0', 6 * GIB, { 11: null, 21: GIB })];
    expect(told(devices, [run(1, [11]), run(2, [21])])).toEqual({ 2: { gpu0: GIB } });
  });
});
