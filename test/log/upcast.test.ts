/** Old events are read as if they had been written today. */
import { describe, expect, it } from 'vitest';
import { type EventData, VERSION } from '../../src/core/events.ts';
import { emptyState } from '../../src/core/evolve.ts';
import { UPCASTERS, type UpcastTable, upcast } from '../../src/core/log/upcast.ts';

const table: UpcastTable = {
  'lamp.lit': [
    (data) => ({ ...(data as object), colour: 'white' }),
    (data) => {
      const { watts, ...rest } = data as { watts: number };
      return { ...rest, milliwatts: watts * 1_000 };
    },
  ],
};

describe('upcast()', () => {
  it('leads the first version through every step', () => {
    const expected = { version: 3, data: { milliwatts: 5_000, colour: 'white' } };
    expect(upcast('lamp.lit', 1, { watts: 5 }, table)).toEqual(expected);
  });

  it('takes a version in between only through the steps that are left', () => {
    const expected = { version: 3, data: { milliwatts: 5_000, colour: 'red' } };
    expect(upcast('lamp.lit', 2, { watts: 5, colour: 'red' }, table)).toEqual(expected);
  });

  it('leaves the current version, and types without steps, as they are', () => {
    const data = { milliwatts: 1 };
    expect(upcast('lamp.lit', 3, data, table)).toEqual({ version: 3, data });
    expect(upcast('lamp.broken', 1, data, table)).toEqual({ version: 1, data });
  });

  it('does not change what it was given', () => {
    const data = Object.freeze({ watts: 5 });
    upcast('lamp.lit', 1, data, table);
    expect(data).toEqual({ watts: 5 });
  });

  it.each([0, 4, 1.5])('refuses version %d', (version) => {
    const message = `read event "lamp.lit": expected a version from 1 to 3, got ${version}`;
    expect(() => upcast('lamp.lit', version, {}, table)).toThrow(message);
  });

  it('gives a configuration from before there were planners those that it had: groups, and nothing else', () => {
    const model = { id: 'a', group: 'all', specDigest: 'x' };
    const data = {
      hash: 'h',
      trigger: 'start',
      settings: { models: [model], groups: [], planner: 'group', maxWaitMs: 5 },
    };
    const { version, data: now } = upcast('config.applied', 1, data, UPCASTERS);
    expect(version).toBe(VERSION['config.applied']);
    expect(now).toMatchObject({
      hash: 'h',
      trigger: 'start',
      settings: { planner: 'group', fallback: 'group', matrix: null, devices: [], maxWaitMs: 5, memoryWaitMs: 15_000 },
    });
    const { settings } = now as EventData['config.applied'];
    expect(settings.models[0]).toMatchObject({ ...model, memory: null, tags: [], onDemand: { action: 'load' } });
    const known = Object.keys(emptyState().settings).toSorted();
    expect(known.filter((key) => !(key in settings) && !(key in data.settings))).toEqual([
      'drainTimeoutMs',
      'onTrouble',
      'queueTimeoutMs',
    ]);
  });

  it('gives a run from before memory was counted none that is reserved', () => {
    const { data } = upcast('process.starting', 1, { port: 5, logFile: 'x' }, UPCASTERS);
    expect(data).toEqual({ port: 5, logFile: 'x', memory: null });
  });

  it('has for every event type the steps that lead to its current version', () => {
    for (const [type, version] of Object.entries(VERSION)) {
      expect([type, 1 + (UPCASTERS[type]?.length ?? 0)]).toEqual([type, version]);
    }
  });
});
