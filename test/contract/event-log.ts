/**
 * What every event log promises; run against each implementation. Must never know which one it tests.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { fold } from '../../src/core/evolve.ts';
import type { Position } from '../../src/core/ids.ts';
import { modelId, requestKey } from '../../src/core/ids.ts';
import type { EventLog, LogStatus, OpenedLog, TimeTravel } from '../../src/core/log/log.ts';
import { busyLog } from '../log/busy-events.ts';
import { eventAt, eventsFrom, MODEL, positionsOf, publicId, readAll, whenStatus } from '../log/log-fixtures.ts';

export interface EventLogFactory {
  /** An empty log. */
  open(): Promise<OpenedLog>;
  /** An empty log whose first commits fail; absent where nothing can fail. */
  openTroubled?(): Promise<OpenedLog>;
}

export function testEventLog(name: string, factory: EventLogFactory): void {
  const empty = async (): Promise<EventLog & TimeTravel> => {
    const { log } = await factory.open();
    onTestFinished(() => log.close());
    return log;
  };
  const filled = async (count: number): Promise<EventLog & TimeTravel> => {
    const log = await empty();
    log.append(eventsFrom(1, count), true);
    await log.flush();
    return log;
  };

  describe(`${name} as an event log`, () => {
    it('begins empty', async () => {
      const { log, head, replaced, warnings } = await factory.open();
      onTestFinished(() => log.close());
      expect({ head, replaced, warnings, durable: log.durable }).toEqual({
        head: 0,
        replaced: null,
        warnings: [],
        durable: 0,
      });
      expect(await readAll(log)).toEqual([]);
    });

    it('gives back what was appended, in order and without a gap', async () => {
      const log = await empty();
      const events = eventsFrom(1, 100);
      for (const event of events.slice(0, 40)) log.append([event], false);
      log.append(events.slice(40), false);
      await log.flush();
      expect(log.durable).toBe(100);
      expect(await readAll(log)).toEqual(events);
    });

    it('calls durable listeners with rising positions, never inside append, up to the last', async () => {
      const log = await empty();
      const heard: Position[] = [];
      let inside = false;
      const stop = log.onDurable((durable) => {
        expect(inside).toBe(false);
        heard.push(durable);
      });
      for (let position = 1; position <= 60; position += 3) {
        inside = true;
        log.append(eventsFrom(position, position + 2), position % 2 === 0);
        inside = false;
        await Promise.resolve();
      }
      await log.flush();
      await Promise.resolve();
      expect(heard.at(-1)).toBe(60);
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      expect(new Set(heard).size).toBe(heard.length);
      stop();
      log.append(eventsFrom(61, 61), true);
      await log.flush();
      expect(heard.at(-1)).toBe(60);
    });

    it('makes events durable without being asked to, urgent or not', async () => {
      const log = await empty();
      for (const [position, urgent] of [
        [1, true],
        [2, false],
      ] as const) {
        const durable = new Promise<void>((resolve) => {
          const stop = log.onDurable(() => {
            stop();
            resolve();
          });
        });
        log.append([eventAt(position)], urgent);
        await durable;
        expect(log.durable).toBe(position);
      }
    });

    it('reads a range of positions', async () => {
      const log = await filled(30);
      expect(positionsOf(await log.read({ from: 4, to: 6 }))).toEqual([4, 5, 6]);
      expect(positionsOf(await log.read({ from: 29 }))).toEqual([29, 30]);
      expect(positionsOf(await log.read({ from: 31 }))).toEqual([]);
      expect(positionsOf(await log.read({ from: 29, to: 1_000 }))).toEqual([29, 30]);
    });

    it('reads by type', async () => {
      const log = await filled(9);
      const events = await log.read({ types: ['request.arrived', 'request.finished'] });
      expect(positionsOf(events)).toEqual([1, 3, 4, 6, 7, 9]);
      expect(await log.read({ types: [] })).toEqual([]);
    });

    it('reads by model', async () => {
      const log = await filled(3);
      expect(await log.read({ model: MODEL })).toHaveLength(3);
      expect(await log.read({ model: modelId('another') })).toEqual([]);
    });

    it('reads the events of a request with its arrival', async () => {
      const log = await filled(30);
      expect(positionsOf(await log.read({ request: requestKey(4) }))).toEqual([4, 5, 6]);
      expect(positionsOf(await log.read({ request: requestKey(4), reverse: true }))).toEqual([6, 5, 4]);
      expect(await log.read({ request: requestKey(5) })).toEqual([]);
    });

    it('reads since a time', async () => {
      const log = await filled(30);
      expect(positionsOf(await log.read({ since: eventAt(28).at }))).toEqual([28, 29, 30]);
    });

    it('reads newest first, and no more than the limit', async () => {
      const log = await filled(30);
      expect(positionsOf(await log.read({ reverse: true, limit: 3 }))).toEqual([30, 29, 28]);
      expect(positionsOf(await log.read({ limit: 2 }))).toEqual([1, 2]);
      expect(await log.read({ limit: 0 })).toEqual([]);
    });

    it('reads at most 1,000 events unless told otherwise', async () => {
      const log = await filled(1_200);
      expect(await log.read({})).toHaveLength(1_000);
      expect(await log.read({ limit: 1_100 })).toHaveLength(1_100);
    });

    it('joins all conditions of a query', async () => {
      const log = await filled(30);
      const query = { from: 2, to: 20, model: MODEL, types: ['request.finished' as const], since: eventAt(7).at };
      expect(positionsOf(await log.read({ ...query, reverse: true, limit: 2 }))).toEqual([18, 15]);
    });

    it('refuses bounds that are no whole numbers', async () => {
      const log = await filled(3);
      await expect(log.read({ limit: -1 })).rejects.toMatchObject({ code: 'bad-request' });
      await expect(log.read({ from: 1.5 })).rejects.toMatchObject({ code: 'bad-request' });
    });

    it('finds a request by its public id, and only by the whole of it', async () => {
      const log = await filled(300);
      expect(await log.findRequest(publicId(1))).toBe(1);
      expect(await log.findRequest(publicId(298))).toBe(298);
      expect(await log.findRequest('req-1')).toBeNull();
      expect(await log.findRequest('key:abc')).toBeNull();
      expect(await log.findRequest('a " quote')).toBeNull();
    });

    it('keeps events without model, request and cause, and names of any characters', async () => {
      const log = await empty();
      const at = 1_700_000_000_000.25;
      const model = modelId('tab\there "and"\nthere \u0000 ✓');
      const events: TurnoutEvent[] = [
        { position: 1, at, version: 1, type: 'log.gap', data: { count: 2 } },
        {
          position: 2,
          at,
          version: 1,
          type: 'swap.started',
          model,
          cause: 1,
          data: { evict: [], drain: null, plan: 1 },
        },
      ];
      log.append(events, true);
      await log.flush();
      expect(await readAll(log)).toEqual(events);
      expect(await log.read({ model })).toHaveLength(1);
    });

    it('is not changed by what happens to an event after it was appended', async () => {
      const log = await empty();
      const event = { position: 1, at: 1, version: 1, type: 'log.gap' as const, data: { count: 2 } };
      log.append([event], true);
      event.data.count = 3;
      await log.flush();
      expect(await readAll(log)).toEqual([{ ...event, data: { count: 2 } }]);
    });

    it('keeps blobs under their hash, however often they are put', async () => {
      const log = await empty();
      expect(await log.getBlob('abc')).toBeNull();
      log.putBlob('abc', 'text ✓ \u0000\n');
      expect(await log.getBlob('abc')).toBe('text ✓ \u0000\n');
      log.putBlob('abc', 'text ✓ \u0000\n');
      await log.flush();
      log.putBlob('abc', 'text ✓ \u0000\n');
      await log.flush();
      expect(await log.getBlob('abc')).toBe('text ✓ \u0000\n');
    });

    it('drops and counts what it could never store, and goes on', async () => {
      const { log } = await factory.open();
      onTestFinished(() => log.close());
      log.append(eventsFrom(1, 2), true);
      log.append([eventAt(2), { ...eventAt(3), at: Number.NaN }], true);
      log.append([eventAt(3)], true);
      await log.flush();
      expect(log.status()).toMatchObject({ state: 'ok', lost: 2 });
      expect(await readAll(log)).toEqual(eventsFrom(1, 3));
    });

    it('tells the state after any position, and keeps none of it', async () => {
      const log = await empty();
      const events = busyLog(400);
      for (let from = 0; from < events.length; from += 37) log.append(events.slice(from, from + 37), true);
      await log.flush();
      for (const position of [0, 1, 2, 3, 100, 237, 399, 400]) {
        const state = await log.stateAt(position);
        expect(canonical(state), `position ${position}`).toBe(canonical(fold(events.slice(0, position))));
        state.models.clear();
      }
    });

    it('tells no state of what is not durable', async () => {
      const log = await filled(3);
      for (const position of [4, -1, 1.5]) {
        await expect(log.stateAt(position)).rejects.toMatchObject({ code: 'bad-request' });
      }
      await expect(log.stateAt(4)).rejects.toThrow('fold the event log: expected a position from 0 to 3, got 4');
    });

    it('finds the last position at or before a time', async () => {
      const log = await empty();
      expect(await log.positionAt(Date.now())).toBe(0);
      const events = busyLog(90);
      log.append(events, true);
      await log.flush();
      for (const { position, at } of events) expect(await log.positionAt(at)).toBe(position);
      expect(await log.positionAt(events[49]!.at - 0.1)).toBe(49);
      expect(await log.positionAt(events[0]!.at - 1)).toBe(0);
      expect(await log.positionAt(Number.MAX_SAFE_INTEGER)).toBe(90);
    });

    it('can be told what to keep, and to let go of the rest', async () => {
      const { log, upkeep } = await factory.open();
      onTestFinished(() => log.close());
      const events = busyLog(50);
      log.append(events, true);
      await log.flush();
      upkeep.retain({ days: 36_500, bytesMax: 1e12 });
      expect(await upkeep.compact()).toMatchObject({ events: 0, stopped: null });
      await upkeep.proven();
      expect(await readAll(log)).toEqual(events);
    });

    it('says that it is well', async () => {
      const log = await filled(3);
      expect(log.status()).toMatchObject({ state: 'ok', code: null, message: null, pending: 0, lost: 0 });
    });

    it('flushes at once when nothing waits', async () => {
      const log = await empty();
      await log.flush();
      expect(log.durable).toBe(0);
    });

    it('makes everything durable before it is closed', async () => {
      const log = await empty();
      log.append(eventsFrom(1, 500), false);
      await log.close();
      expect(log.durable).toBe(500);
    });

    it('can be closed twice, and is closed for good', async () => {
      const log = await filled(3);
      await Promise.all([log.close(), log.close()]);
      await log.close();
      expect(() => log.append([eventAt(4)], true)).not.toThrow();
      await log.flush();
      expect(log.durable).toBe(3);
      await expect(log.read({})).rejects.toMatchObject({ code: 'log-unavailable' });
      await expect(log.findRequest('x')).rejects.toMatchObject({ code: 'log-unavailable' });
      await expect(log.getBlob('x')).rejects.toMatchObject({ code: 'log-unavailable' });
      await expect(log.stateAt(3)).rejects.toMatchObject({ code: 'log-unavailable' });
      await expect(log.positionAt(3)).rejects.toMatchObject({ code: 'log-unavailable' });
    });

    it.skipIf(factory.openTroubled === undefined)('keeps what it cannot write and appends it later', async () => {
      const { log } = await factory.openTroubled!();
      onTestFinished(() => log.close());
      const heard: LogStatus['state'][] = [];
      log.onStatus(({ state }) => heard.push(state));
      log.append(eventsFrom(1, 10), true);
      log.putBlob('abc', 'text');
      await whenStatus(log, ({ state }) => state === 'troubled');
      expect(log.status().pending).toBeGreaterThanOrEqual(10);
      log.append(eventsFrom(11, 20), true);
      await log.flush();
      await whenStatus(log, ({ state }) => state === 'ok');
      await log.flush();
      expect(heard).toEqual(['troubled', 'ok']);
      expect(log.status()).toMatchObject({ pending: 0, lost: 0 });
      expect(await readAll(log)).toEqual(eventsFrom(1, 20));
      expect(await log.getBlob('abc')).toBe('text');
      log.append(eventsFrom(21, 22), false);
      await log.flush();
      expect(log.durable).toBe(22);
    });
  });
}
