/**
 * What operators, files, clocks and the log itself reported in a slice, told back from the events that it led to. Must
 * never tell back what the kernel says of its own accord.
 */
import type { EventData, EventOf, TurnoutEvent } from '../../events.ts';
import { type ModelId, modelId, type Position } from '../../ids.ts';
import type { Input } from '../../inputs.ts';

/** What of the report is still to come when its first event is read: a start with a log that was replaced. */
export interface ReportReader {
  /** What was reported, if this event is the first that came of a report. */
  take(event: TurnoutEvent): Input | null;
}

export function readReports(): ReportReader {
  /** Events that came of a report that was told back already. */
  let replacedAt: Position | null = null;
  let gap = 0;
  let forcedAt: number | null = null;

  return {
    take(event) {
      const { data, type } = event;
      switch (type) {
        case 'log.replaced':
          replacedAt = event.position;
          return event.cause === undefined ? { type, ...(data as EventData['log.replaced']) } : null;
        case 'config.applied':
          if (event.cause !== undefined && event.cause === replacedAt) return null;
          return { ...(data as EventData['config.applied']), type: 'config.loaded' };
        case 'clock.stepped':
          return { type, ...(data as EventData['clock.stepped']) };
        case 'log.troubled':
          return { type, ...(data as EventData['log.troubled']) };
        case 'log.gap':
          gap = (data as EventData['log.gap']).count;
          return null;
        case 'log.recovered': {
          const lost = gap;
          gap = 0;
          return { type, ...(data as EventData['log.recovered']), lost };
        }
        case 'router.draining':
          return { type: 'operator.shutdown', force: false, ...(data as EventData['router.draining']) };
        case 'process.killed': {
          const signal = SECOND.exec((data as EventData['process.killed']).why)?.[1];
          if (signal === undefined || forcedAt === event.at) return null;
          forcedAt = event.at;
          return { type: 'operator.shutdown', signal, force: true };
        }
        default:
          return byOperator(event);
      }
    },
  };
}

export const SECOND = /^(\S+) came a second time$/;

function byOperator(event: TurnoutEvent): Input | null {
  const model = event.model as ModelId;
  switch (event.type) {
    case 'unload.requested':
      return { type: 'operator.unload', models: unloaded(event.data.models), by: event.data.by };
    case 'model.pinned':
      return { type: 'operator.pin', model, owner: event.data.owner, until: event.data.until };
    case 'model.unpinned':
      return event.data.why === 'operator' ? { type: 'operator.unpin', model, by: event.data.by } : null;
    case 'memory.forgotten':
      return { type: 'operator.forget', model, by: event.data.by };
    case 'policy.unloaded':
      return event.data.slot === 'live' ? { type: 'policy.unloaded', slot: 'live' } : null;
    default:
      return null;
  }
}

/** An order that was about no known model, told back as such: one that names none is about all. */
const unloaded = (models: ModelId[]): ModelId[] => (models.length === 0 ? [modelId('')] : models);

/** The report of a start; `replaced` follows from the event after it. */
export function bootOf({ data }: EventOf<'router.started'>, replaced: EventData['log.replaced'] | null) {
  const { instance, pid, version, node, bootId, seed } = data;
  const started = { instance, pid, version, node, bootId, seed, unfinished: null };
  return { type: 'router.boot', started, replaced } as const;
}
