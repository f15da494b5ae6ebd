/** A turnout in which things go as a test wants them, and what `turnout explain` says of them afterwards. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { EventOf, EventType } from '../../src/core/events.ts';
import { normalise } from '../support/normalise.ts';
import { BIN, startTurnout, type Turnout, type TurnoutOptions } from '../support/turnout.ts';
import { until } from '../support/until.ts';

export async function start(options: TurnoutOptions): Promise<Turnout> {
  const turnout = await startTurnout(options);
  onTestFinished(() => turnout.dispose());
  return turnout;
}

/** A directory that two turnouts use one after the other. */
export async function place(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-explanations-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A request under way. */
export interface Asked {
  /** As soon as turnout knows of it. */
  id: Promise<string>;
  status: Promise<number>;
  /** The first bytes of the answer are there. */
  begun: Promise<void>;
}

export function ask(turnout: Turnout, model: string, client: string, more: object = {}): Asked {
  const seen = turnout.events('request.arrived').then((events) => events.length);
  const answer = seen.then(() =>
    turnout.post(
      '/v1/chat/completions',
      { model, messages: [{ role: 'user', content: 'hi' }], ...more },
      { headers: { 'user-agent': client } },
    ),
  );
  const id = seen.then((before) =>
    until(`the request of ${client} to arrive`, async () => {
      const arrived = (await turnout.events('request.arrived')).slice(before);
      return arrived.find(({ data }) => data.client.startsWith(`${client} `) && data.asked === model)?.data.id;
    }),
  );
  const begun = Promise.withResolvers<void>();
  const status = answer.then(async (response) => {
    try {
      for await (const _ of response.body ?? []) begun.resolve();
    } catch {
      // a model that dies breaks its answer off
    }
    begun.resolve();
    return response.status;
  });
  // A test that has failed by now waits for neither.
  for (const promise of [id, status]) promise.catch(() => null);
  return { id, status, begun: begun.promise };
}

/** The event of a type that was, or the one that comes. `nth` counts from 0. */
export async function event<T extends EventType>(turnout: Turnout, type: T, model?: string, nth = 0) {
  return until(`${type} of ${model ?? 'anything'}`, async (): Promise<EventOf<T> | undefined> => {
    const events = await turnout.events(type);
    return events.filter((one) => model === undefined || one.model === model)[nth];
  });
}

/** What a user sees who asks: the command and its output, for each of these. */
export async function transcript(turnout: Turnout, ...commands: string[][]): Promise<string> {
  const parts: string[] = [];
  for (const command of commands) parts.push(`$ turnout ${command.join(' ')}\n${await cli(turnout, command)}`);
  return normalise(parts.join('\n'));
}

function cli(turnout: Turnout, args: string[]): Promise<string> {
  const child = spawn(process.execPath, [BIN, ...args, '--url', turnout.url, '--utc'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return new Promise((resolve) => child.once('close', () => resolve(text)));
}
