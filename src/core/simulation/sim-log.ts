/**
 * A disk in virtual time behind the log's seam: commits take a while, can become slow, and can fail for a while. Keeps the
 * stored text of every event, so that what is folded later is what was written.
 */
import type { TurnoutEvent } from '../events.ts';
import type { RequestKey } from '../ids.ts';
import type { EventLog, LogStatus } from '../log/log.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface DiskFaults {
  /** Longest commit, ms. */
  commitMsMax: number;
  /** Chance that a commit fails and the log is in trouble for a while. */
  trouble: number;
}

export interface SimLog extends EventLog {
  /** Every event handed over, as text, by position - 1. */
  readonly stored: string[];
  /** The machine or the process dies: what is not durable is lost (`power`), or not (the page cache survives). */
  crash(keep: 'durable' | 'all'): void;
}

export function createSimLog(scheduler: Scheduler, random: Random, faults: DiskFaults): SimLog {
  const stored: string[] = [];
  let durable = 0;
  let inFlight = false;
  let troubled = false;
  let generation = 0;
  let onDurable: ((durable: number) => void)[] = [];
  let onStatus: ((status: LogStatus) => void)[] = [];

  const status = (): LogStatus => ({
    kind: 'memory',
    state: troubled ? 'troubled' : 'ok',
    code: troubled ? 'disk-full' : null,
    message: troubled ? 'simulated: no space left' : null,
    pending: stored.length - durable,
    lost: 0,
    file: null,
  });

  function commit(delay: number): void {
    if (inFlight || durable === stored.length) return;
    inFlight = true;
    const mine = generation;
    scheduler.after(delay, () => {
      if (mine !== generation) return;
      inFlight = false;
      if (random.chance(faults.trouble)) {
        if (!troubled) {
          troubled = true;
          for (const listener of onStatus) listener(status());
        }
        commit(random.int(200, 3_000));
        return;
      }
      durable = stored.length;
      for (const listener of onDurable) listener(durable);
      if (troubled) {
        troubled = false;
        for (const listener of onStatus) listener(status());
      }
      commit(random.int(0, faults.commitMsMax));
    });
  }

  return {
    stored,
    get durable() {
      return durable;
    },
    status,
    append(events) {
      for (const event of events) {
        if (event.position !== stored.length + 1) throw new Error(`gap at ${event.position} after ${stored.length}`);
        stored.push(JSON.stringify(event));
      }
      commit(random.int(0, faults.commitMsMax));
    },
    onDurable(listener) {
      onDurable.push(listener);
      return () => {
        onDurable = onDurable.filter((one) => one !== listener);
      };
    },
    onStatus(listener) {
      onStatus.push(listener);
      return () => {
        onStatus = onStatus.filter((one) => one !== listener);
      };
    },
    crash(keep) {
      generation++;
      inFlight = false;
      troubled = false;
      onDurable = [];
      onStatus = [];
      if (keep === 'durable') stored.length = durable;
      durable = stored.length;
    },
    read: async () => stored.slice(0, durable).map((text) => JSON.parse(text) as TurnoutEvent),
    findRequest: async () => null as RequestKey | null,
    putBlob() {},
    getBlob: async () => null,
    flush: async () => {},
    close: async () => {},
  };
}
