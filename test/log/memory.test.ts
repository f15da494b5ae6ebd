/** The log in memory keeps the contract of every log, and its own bound. */
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { fold } from '../../src/core/evolve.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import { testEventLog } from '../contract/event-log.ts';
import { busyLog } from './busy-events.ts';
import { eventsFrom, positionsOf, publicId, readAll } from './log-fixtures.ts';

testEventLog('the memory log', { open: async () => openMemoryLog({ onWarning: () => {} }) });

describe('openMemoryLog()', () => {
  it('forgets its oldest events past its bound', async () => {
    const { log } = openMemoryLog({ eventsMax: 100 });
    for (let position = 1; position <= 250; position += 1) log.append(eventsFrom(position, position), false);
    const kept = positionsOf(await readAll(log));
    expect(kept.length).toBeGreaterThanOrEqual(90);
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(kept).toEqual(Array.from(kept, (_, index) => 251 - kept.length + index));
    expect(await log.findRequest(publicId(1))).toBeNull();
    expect(log.durable).toBe(250);
  });

  it('still tells the state after every position that it holds, and says from which one on', async () => {
    const { log } = openMemoryLog({ eventsMax: 100 });
    const events = busyLog(1_000);
    for (const event of events) log.append([event], false);
    const [first] = await readAll(log);
    for (const position of [first!.position - 1, first!.position, 950, 1_000]) {
      const state = await log.stateAt(position);
      expect(canonical(state), `position ${position}`).toBe(canonical(fold(events.slice(0, position))));
    }
    const message = `this log in memory begins after event ${first!.position - 1}`;
    await expect(log.stateAt(first!.position - 2)).rejects.toThrow(message);
    expect(await log.positionAt(events[10]!.at)).toBe(first!.position - 1);
  });

  it('warns of an event that it cannot keep', () => {
    const warnings: string[] = [];
    const { log } = openMemoryLog({ onWarning: (text) => void warnings.push(text) });
    log.append(eventsFrom(2, 2), true);
    log.append(eventsFrom(1, 1), true);
    expect(warnings).toEqual(['append event 1: expected a position after 2, got 1']);
  });
});
