/** What happens in the office: people who ask, are answered, think and go away; pins; a game on the same card. */
import { modelId, requestId } from '../../src/core/ids.ts';
import type { Ticket } from '../../src/core/runtime/router.ts';
import type { Random } from '../../src/core/simulation/random.ts';
import type { Scheduler } from '../../src/core/simulation/scheduler.ts';
import type { KernelUnderTest } from '../../src/core/simulation/sim-kernel.ts';
import type { SimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import type { Day } from './office.ts';
import { END, GAME, GIB, MINUTE, MODELS, PEOPLE, SECOND, SIZES, START } from './office-people.ts';

export interface Office {
  day: Omit<Day, 'events'>;
  random: Random;
  scheduler: Scheduler;
  runtime: SimRuntime;
  kernel: KernelUnderTest;
  /** Of those who wait: called when somebody was granted or refused. */
  looks: Set<() => void>;
}

export function startPeople(office: Office): void {
  const { random, scheduler } = office;
  for (const client of Object.keys(PEOPLE)) {
    scheduler.after(random.int(0, MINUTE), () => work(office, client, scheduler.now()));
  }
}

/** One request, and then the next; after a while somebody is away. `from`: since when they work. */
function work(office: Office, client: string, from: number): void {
  const { random, scheduler, kernel, looks, day } = office;
  const person = PEOPLE[client];
  const now = scheduler.now();
  if (person === undefined || now >= END) return;
  if (now > from + person.busy * MINUTE) {
    scheduler.after(person.away * MINUTE, () => work(office, client, scheduler.now()));
    return;
  }
  const again = (ms: number) => scheduler.after(ms, () => work(office, client, from));
  const model = modelId(random.pick(person.models));
  const ticket: Ticket = kernel.tickets.admit({
    id: requestId(`r${scheduler.now()}-${client}`),
    kind: 'inference',
    model,
    asked: model,
    client,
    session: person.session ?? null,
    method: 'POST',
    endpoint: '/v1/chat/completions',
    bytes: 1,
    streaming: false,
  });
  const look = () => {
    const { grant } = ticket;
    if (grant === null) return;
    looks.delete(look);
    if (!grant.granted) {
      const { code, message, retryAfterSec } = grant;
      if (code === 'planner-refused') day.refused.push({ client, message, at: scheduler.now() });
      else if (code !== 'start-failed' && code !== 'backed-off')
        day.violations.push(`${client} got ${code}: ${message}`);
      again(Math.min(5 * MINUTE, (retryAfterSec ?? 10) * SECOND));
      return;
    }
    const waited = scheduler.now() - now;
    day.longestWaitMs[model] = Math.max(day.longestWaitMs[model] ?? 0, waited);
    day.waitedMs[client] = (day.waitedMs[client] ?? 0) + waited;
    scheduler.after(random.int(...person.serviceMs), () => {
      day.served[client] = (day.served[client] ?? 0) + 1;
      const usage = { inputTokens: random.int(100, 20_000), promptPerSecond: 900 };
      ticket.finish({ outcome: 'ok', status: 200, bytes: 1, firstByteMs: 1, usage, error: null });
      again(random.int(...person.thinkMs));
    });
  };
  looks.add(look);
  look();
}

export function startPins({ random, scheduler, kernel }: Office): void {
  for (let after = 15 * MINUTE; after < END - START; after += 25 * MINUTE) {
    const model = modelId(random.pick(MODELS));
    const until = START + after + 2 * MINUTE;
    scheduler.after(after, () => kernel.loop.post({ type: 'operator.pin', model, owner: 'ops', until }));
  }
}

/** Looks at the card every few seconds; between `GAME.from` and `GAME.to` somebody else holds a part of it. */
export function startCard(office: Office): void {
  const { scheduler, runtime, kernel } = office;
  const now = scheduler.now();
  if (now < END) scheduler.after(5 * SECOND, () => startCard(office));
  const runs = [...runtime.alive().values()].map(({ run, model }) => {
    return { run, bytes: { gpu0: SIZES[model as unknown as keyof typeof SIZES] } };
  });
  const playing = now >= GAME.from && now < GAME.to;
  const used = runs.reduce((sum, { bytes }) => sum + bytes.gpu0, playing ? GAME.bytes : 0);
  const devices = [{ id: 'gpu0', totalBytes: 24 * GIB, usedBytes: Math.min(used, 24 * GIB) }];
  kernel.loop.post({ type: 'devices.sampled', devices, runs });
}
