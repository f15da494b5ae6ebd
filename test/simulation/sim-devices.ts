/** Devices in virtual time: what processes hold, how late they give it back, and looks that fail. */
import type { Input } from '../../src/core/inputs.ts';
import type { Random } from '../../src/core/simulation/random.ts';
import type { Scheduler } from '../../src/core/simulation/scheduler.ts';
import type { SimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import type { Scenario } from './scenario.ts';

interface World {
  scenario: Scenario;
  scheduler: Scheduler;
  random: Random;
  runtime: SimRuntime;
  post(input: Input): void;
}

const GIB = 1024 ** 3;

/** Each model holds what its name says, near what it declared or far from it, on the first device. */
export function startDevices(world: World): void {
  const { scenario, scheduler, random, runtime, post } = world;
  const [device] = scenario.settings.devices;
  if (device === undefined) return;
  const sizeOf = new Map(scenario.settings.models.map(({ id }) => [id, random.int(0, 20) * GIB]));
  const lingering: { until: number; bytes: number }[] = [];
  let known = new Map<number, number>();
  const look = () => {
    if (scenario.devices.everyMs === 0) return;
    const alive = new Map([...runtime.alive()].map(([run, { model }]) => [run as number, sizeOf.get(model) ?? 0]));
    for (const [run, bytes] of known) {
      if (!alive.has(run)) {
        lingering.push({ until: scheduler.now() + random.int(0, scenario.devices.lagMsMax), bytes });
      }
    }
    known = alive;
    scheduler.after(scenario.devices.everyMs, look);
    if (random.chance(scenario.devices.silent)) return;
    let used = 0;
    for (const bytes of alive.values()) used += bytes;
    for (const { until, bytes } of lingering) if (until > scheduler.now()) used += bytes;
    const usedBytes = Math.min(used, device.bytes);
    post({
      type: 'devices.sampled',
      devices: [{ id: device.id, totalBytes: device.bytes, usedBytes }],
      runs: [...runtime.alive().values()].map(({ run, model }) => ({
        run,
        bytes: { [device.id]: sizeOf.get(model) ?? 0 },
      })),
    });
  };
  scheduler.after(scenario.devices.everyMs, look);
}
