/** Signals, with parts that only note what they were told. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Parts } from '../../src/cli/parts.ts';
import { keepsModels, stopOnSignals } from '../../src/cli/stop.ts';

type Told = { signal: string; keep: boolean | undefined };

function fakeParts(shutdown: 'keep-models' | 'stop-models', kind: 'sqlite' | 'memory' = 'sqlite') {
  const told: Told[] = [];
  const cuts: number[] = [];
  const parts = {
    router: { config: () => ({ turnout: { shutdown } }), log: { status: () => ({ kind }) }, shutdown: async () => {} },
    api: { close: async (withinMs: number) => void cuts.push(withinMs) },
    stop: async (signal: string, { keep }: { keep?: boolean }) => void told.push({ signal, keep }),
  };
  return { parts: parts as object as Parts, told, cuts };
}

const textLog = { warn: vi.fn(), error: vi.fn() } as object as Parts['textLog'];
const before = new Map(
  (['SIGTERM', 'SIGINT', 'uncaughtException'] as const).map((name) => [name, process.listeners(name)]),
);

afterEach(() => {
  for (const [name, listeners] of before) {
    for (const one of process.listeners(name)) if (!listeners.includes(one)) process.off(name, one);
  }
});

describe('stopOnSignals()', () => {
  it.each([
    ['SIGTERM', 'keep-models', true],
    ['SIGINT', 'keep-models', false],
    ['SIGTERM', 'stop-models', false],
  ] as const)('%s with %s keeps models: %s', async (signal, shutdown, keep) => {
    const { parts, told } = fakeParts(shutdown);
    const stopping = stopOnSignals(parts, textLog);
    process.emit(signal, signal);
    await stopping.stopped;
    expect(told).toEqual([{ signal, keep }]);
    expect(stopping.isStopping()).toBe(true);
  });

  it('keeps no models when nobody could find them in a log', () => {
    expect(keepsModels(fakeParts('keep-models', 'memory').parts, 'SIGTERM')).toBe(false);
  });

  it('while handing over remembers a signal for the successor, and a second one hurries', () => {
    const { parts, told, cuts } = fakeParts('stop-models');
    const stopping = stopOnSignals(parts, textLog);
    stopping.handOver();
    expect(stopping.remembered()).toBeNull();
    process.emit('SIGTERM', 'SIGTERM');
    expect(stopping.remembered()).toBe('SIGTERM');
    expect(cuts).toEqual([]);
    process.emit('SIGINT', 'SIGINT');
    expect(stopping.remembered()).toBe('SIGTERM');
    expect(cuts).toEqual([0]);
    expect(told).toEqual([]);
  });
});
