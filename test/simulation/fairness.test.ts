/** Nobody starves, and swapping does not eat the time: closed loops of clients on the real loop, in virtual time. */
import { describe, expect, it } from 'vitest';
import { settingsFor } from '../core/harness.ts';
import { HOUR, runLoops, SECOND } from './closed-loop.ts';

describe('two models of one swap group with loads of 300 s and five clients each', () => {
  const stopMs = 10 * SECOND;
  const serviceMs = 20 * SECOND;
  const loadMs = 300 * SECOND;
  const maxWaitMs = 2 * 2 * loadMs;
  const measured = runLoops({
    settings: settingsFor({
      groups: { g: { members: ['a', 'b'] } },
      models: { a: { startTimeoutMs: HOUR }, b: { startTimeoutMs: HOUR } },
      settings: { queueTimeoutMs: 10 * HOUR },
    }),
    loadMsOf: { a: loadMs, b: loadMs },
    clients: { a: 5, b: 5 },
    serviceMs,
    hours: 24,
  });

  it('serve at least 60 % of the time', () => {
    expect(measured.violations).toEqual([]);
    expect(measured.servingShare).toBeGreaterThan(0.6);
  });

  it('let nobody wait beyond the bound: maxWait + (K+1) x (drain + stop + load)', () => {
    const bound = maxWaitMs + 2 * (serviceMs + stopMs + loadMs);
    expect(Math.max(...Object.values(measured.longestMs))).toBeLessThan(bound);
    expect(Object.keys(measured.served).sort()).toEqual(['a', 'b']);
  });
});

describe('one model of 24 GB among four of 12 GB on a device of 24 GB', () => {
  const GB: Record<string, number> = { big: 24, s1: 12, s2: 12, s3: 12, s4: 12 };
  const stopMs = 10 * SECOND;
  const serviceMs = 5 * SECOND;
  const loadMs = 20 * SECOND;
  const measured = runLoops({
    settings: settingsFor({
      groups: { g: { members: Object.keys(GB) } },
      models: Object.fromEntries(Object.entries(GB).map(([id, gigabytes]) => [id, { memory: gigabytes * 1e9 }])),
      settings: {
        planner: 'budget',
        fallback: 'budget',
        devices: [{ id: 'gpu0', bytes: 24e9 }],
        maxWaitMs: 120 * SECOND,
      },
    }),
    loadMsOf: Object.fromEntries(Object.keys(GB).map((id) => [id, loadMs])),
    clients: { big: 2, s1: 2, s2: 2, s3: 2, s4: 2 },
    serviceMs,
    hours: 8,
  });

  it('is served again and again, as are the others', () => {
    expect(measured.violations).toEqual([]);
    for (const model of Object.keys(GB)) expect(measured.served[model] ?? 0, model).toBeGreaterThan(50);
  });

  it('waits no longer than the bound, and nor do the others', () => {
    const others = Object.keys(GB).length - 1;
    const bound = 120 * SECOND + (others + 1) * (serviceMs + stopMs + loadMs);
    for (const [model, ms] of Object.entries(measured.longestMs)) expect(ms, model).toBeLessThan(bound);
  });
});
