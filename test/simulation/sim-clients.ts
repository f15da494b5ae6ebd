/** Clients in virtual time: they arrive, wait, are served or leave, and hang up when whatever served them dies. */
import { type ModelId, type RunId, requestId } from '../../src/core/ids.ts';
import type { Ticket } from '../../src/core/runtime/router.ts';
import type { Random } from '../../src/core/simulation/random.ts';
import type { Scheduler } from '../../src/core/simulation/scheduler.ts';
import type { KernelUnderTest } from '../../src/core/simulation/sim-kernel.ts';
import type { SimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import type { Scenario } from './scenario.ts';

interface Client {
  /** Its kernel died. */
  lost(): void;
  /** A grant or refusal may have come. */
  look(): void;
  /** A process died: whoever was served by it is cut. */
  died(run: RunId): void;
}

export interface World {
  kernel(): KernelUnderTest;
  scenario: Scenario;
  random: Random;
  scheduler: Scheduler;
  runtime: SimRuntime;
  open: Set<Client>;
}

export function startClients(world: World): void {
  const { scenario, random, scheduler } = world;
  for (let n = 0; n < scenario.clients.count; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => request(world, n));
  }
}

/** One client from its arrival to its end: it is answered, refused, or it leaves. */
function request(world: World, n: number): void {
  const { scenario, random, scheduler, runtime } = world;
  const { clients } = scenario;
  const model: ModelId | null = random.chance(0.02) ? null : random.pick(scenario.settings.models).id;
  const kind = random.chance(clients.loads) ? 'load' : 'inference';
  let cancelLeave = () => {};
  let servedBy: RunId | null = null;
  let looked = false;
  const over = () => {
    cancelLeave();
    world.open.delete(client);
  };
  const client: Client = {
    lost: () => over(),
    look() {
      const { grant } = ticket;
      if (looked || grant === null) return;
      looked = true;
      if (!grant.granted) over();
      else if (kind === 'load') finish('ok');
      else {
        servedBy = grant.run;
        if (random.chance(clients.quiets)) {
          scheduler.after(random.int(0, clients.serviceMsMax), () => ticket.quiet(true, 60_000));
          scheduler.after(random.int(0, 2 * clients.serviceMsMax), () => ticket.quiet(false, 0));
        }
        const cut = random.chance(clients.cuts);
        scheduler.after(random.int(0, clients.serviceMsMax), () => finish(cut ? 'cut' : 'ok'));
        if (!runtime.alive().has(grant.run)) scheduler.after(1, () => finish('cut'));
      }
    },
    died(run) {
      if (servedBy === run) scheduler.after(random.int(0, 5), () => finish('cut'));
    },
  };
  const ticket: Ticket = world.kernel().tickets.admit({
    id: requestId(`r${n}`),
    kind,
    model,
    asked: model ?? 'nobody',
    client: `client${n % 3}`,
    session: null,
    method: 'POST',
    endpoint: '/v1/chat/completions',
    bytes: 10,
    streaming: false,
  });
  world.open.add(client);
  if (random.chance(clients.leaves)) {
    cancelLeave = scheduler.after(random.int(0, 20_000), () => {
      ticket.leave({ status: null, bytes: 0 });
      over();
    });
  }

  const finish = (outcome: 'ok' | 'cut') => {
    if (!world.open.has(client)) return;
    const firstByteMs = outcome === 'ok' ? 1 : null;
    ticket.finish({ outcome, status: 200, bytes: 10, firstByteMs, usage: null, error: null });
    over();
  };
  client.look();
}
