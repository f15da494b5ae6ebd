/** What is known of the moment before a run started, and what makes it worthless. */
import { describe, expect, test } from 'vitest';
import { type EventData, type EventType, type TurnoutEvent, VERSION } from '../../../src/core/events.ts';
import { type RunId, runId } from '../../../src/core/ids.ts';
import { createBaselines, phaseOf, type RunPhase } from '../../../src/core/runtime/devices/baselines.ts';

const [A, B] = [runId(1), runId(2)];

function world() {
  const baselines = createBaselines();
  let now = 0;
  const seen = (used: Record<string, number>, mark = baselines.mark()) =>
    baselines.looked(new Map(Object.entries(used)), mark, now);
  return {
    baselines,
    pass: (ms: number) => {
      now += ms;
    },
    changed: (run: RunId, phase: RunPhase, lies: string[] | null = null) => baselines.changed(run, phase, lies, now),
    seen,
    heldBefore: (run: RunId) => Object.fromEntries(baselines.before(run)),
  };
}

describe('what a device held before a run', () => {
  test('is what was seen last', () => {
    const { seen, changed, pass, heldBefore } = world();
    seen({ gpu0: 5 });
    seen({ gpu0: 7 });
    pass(10_000);
    changed(A, 'starting');
    expect(heldBefore(A)).toEqual({ gpu0: 7 });
    changed(A, 'ready');
    seen({ gpu0: 99 });
    expect(heldBefore(A)).toEqual({ gpu0: 7 });
  });

  test('is not what was seen long ago', () => {
    const { seen, changed, pass, heldBefore } = world();
    seen({ gpu0: 5 });
    pass(15_001);
    changed(A, 'starting');
    expect(heldBefore(A)).toEqual({});
  });

  test('is what is seen just after its start, before it can take anything', () => {
    const { seen, changed, pass, heldBefore } = world();
    changed(A, 'starting');
    pass(200);
    seen({ gpu0: 5 });
    expect(heldBefore(A)).toEqual({ gpu0: 5 });
    pass(100);
    seen({ gpu0: 9 });
    expect(heldBefore(A)).toEqual({ gpu0: 5 });
  });

  test('is what a look shows during which it started', () => {
    const { baselines, seen, changed, heldBefore } = world();
    const mark = baselines.mark();
    changed(A, 'starting');
    seen({ gpu0: 5 }, mark);
    expect(heldBefore(A)).toEqual({ gpu0: 5 });
  });

  test('is not what is seen later', () => {
    const { seen, changed, pass, heldBefore } = world();
    changed(A, 'starting');
    pass(251);
    seen({ gpu0: 5 });
    expect(heldBefore(A)).toEqual({});
  });

  test('is not known of a run that was taken over', () => {
    const { seen, changed, heldBefore } = world();
    seen({ gpu0: 5 });
    changed(A, 'ready');
    seen({ gpu0: 5 });
    expect(heldBefore(A)).toEqual({});
  });

  test.each<RunPhase>(['starting', 'stopping', 'gone'])('is forgotten when another run is %s', (phase) => {
    const { seen, changed, heldBefore } = world();
    if (phase !== 'starting') changed(B, 'ready');
    seen({ gpu0: 5, gpu1: 6 });
    changed(A, 'starting');
    expect(heldBefore(A)).toEqual({ gpu0: 5, gpu1: 6 });
    changed(B, phase);
    expect(heldBefore(A)).toEqual({});
  });

  test('is forgotten when a run is taken over', () => {
    const { seen, changed, heldBefore } = world();
    seen({ gpu0: 5 });
    changed(A, 'starting');
    changed(B, 'ready');
    expect(heldBefore(A)).toEqual({});
  });

  test('is kept when the other run lies on another device, but for the memory of the machine', () => {
    const { seen, changed, heldBefore } = world();
    seen({ gpu0: 5, gpu1: 6, ram: 7 });
    changed(A, 'starting');
    changed(B, 'starting', ['gpu1']);
    expect(heldBefore(A)).toEqual({ gpu0: 5 });
  });

  test.each<RunPhase>(['starting', 'stopping'])('is not known while another run is %s', (phase) => {
    const { seen, changed, heldBefore } = world();
    changed(B, phase, ['gpu0']);
    seen({ gpu0: 5, gpu1: 6 });
    changed(A, 'starting');
    expect(heldBefore(A)).toEqual({ gpu1: 6 });
  });

  test('is not what was seen before another run ended', () => {
    const { seen, changed, heldBefore } = world();
    changed(B, 'ready');
    seen({ gpu0: 5 });
    changed(B, 'gone');
    changed(A, 'starting');
    expect(heldBefore(A)).toEqual({});
    seen({ gpu0: 1 });
    expect(heldBefore(A)).toEqual({ gpu0: 1 });
  });

  test('is not what a look shows that had begun before another run ended', () => {
    const { baselines, seen, changed, heldBefore } = world();
    changed(B, 'ready');
    const mark = baselines.mark();
    changed(B, 'gone');
    changed(A, 'starting');
    seen({ gpu0: 5 }, mark);
    expect(heldBefore(A)).toEqual({});
  });

  test('is forgotten when the names of devices mean other devices', () => {
    const { baselines, seen, changed, heldBefore } = world();
    seen({ gpu0: 5 });
    changed(A, 'starting');
    baselines.forget();
    expect(heldBefore(A)).toEqual({});
    changed(A, 'gone');
    changed(B, 'starting');
    expect(heldBefore(B)).toEqual({});
  });
});

describe('the runs that can be asked for', () => {
  test('are those that are ready, and were so when the look began', () => {
    const { baselines, changed } = world();
    changed(A, 'starting');
    changed(B, 'ready');
    const mark = baselines.mark();
    expect(baselines.readySince(mark)).toEqual([B]);
    changed(A, 'ready');
    expect(baselines.readySince(mark)).toEqual([B]);
    expect(baselines.readySince(baselines.mark())).toEqual([A, B]);
    changed(B, 'stopping');
    expect(baselines.readySince(mark)).toEqual([]);
  });

  test('are none once all are gone', () => {
    const { baselines, changed } = world();
    changed(A, 'ready');
    expect(baselines.anyAlive()).toBe(true);
    changed(A, 'gone');
    changed(B, 'gone');
    expect(baselines.anyAlive()).toBe(false);
  });
});

test('events tell the phases of runs', () => {
  const phase = <T extends EventType>(type: T, data: Partial<EventData[T]>) =>
    phaseOf({ type, position: 7, at: 0, version: VERSION[type], data } as unknown as TurnoutEvent);
  expect(phase('process.starting', {})).toEqual({ run: 7, phase: 'starting' });
  expect(phase('process.ready', { run: A })).toEqual({ run: A, phase: 'ready' });
  expect(phase('process.stopping', { run: A })).toEqual({ run: A, phase: 'stopping' });
  expect(phase('process.exited', { run: A })).toEqual({ run: A, phase: 'gone' });
  expect(phase('process.killed', { run: A })).toBeNull();
});
