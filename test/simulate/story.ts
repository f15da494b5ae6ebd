/** A small log made by hand, of which every figure is known: two models of 8 GiB on one card, a, b and a again. */
import type { TurnoutEvent } from '../../src/core/events.ts';
import { kernel } from '../core/harness.ts';

const GIB = 1024 ** 3;

/** a is asked for at 0 s, b at 10 s, a at 20 s; a loads for 4 s, b for 6 s, a stop takes 0.5 s, an answer 1 s. */
export function twoModels(
  more: { devices?: { id: string; bytes: number }[]; memory?: number | null } = {},
): TurnoutEvent[] {
  const { devices = [{ id: 'gpu0', bytes: 24 * GIB }], memory = 8 * GIB } = more;
  const k = kernel({
    models: { a: { memory }, b: { memory } },
    groups: { g: { members: ['a', 'b'] } },
    settings: { devices },
  });
  k.boot();
  const first = k.request('a', { client: 'anna' });
  k.spawned('a');
  k.pass(4_000);
  k.ready('a');
  k.pass(1_000);
  k.finish(first);
  k.pass(5_000);
  const second = k.request('b', { client: 'ben' });
  k.pass(500);
  k.exited('a');
  k.spawned('b');
  k.pass(6_000);
  k.ready('b');
  k.pass(1_000);
  k.finish(second);
  k.pass(2_500);
  const third = k.request('a', { client: 'anna' });
  k.pass(500);
  k.exited('b');
  k.spawned('a');
  k.pass(4_000);
  k.ready('a');
  k.pass(1_000);
  k.finish(third);
  return k.events;
}
