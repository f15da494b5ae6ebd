/**
 * What the log lines say of events: one line for what an operator would want to see pass by, none for the rest. Never
 * holds more than the event does.
 */
import type { EventOf, TurnoutEvent } from '../events.ts';
import { ADOPTED_AFTER, idleWords } from '../history/cause-words.ts';
import { formatMemory, formatRough } from '../history/format.ts';
import { narratePolicy } from './narrate-policies.ts';

export interface Line {
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
}

export function narrate(event: TurnoutEvent): Line | null {
  const { model } = event;
  switch (event.type) {
    case 'swap.started': {
      const { evict } = event.data;
      return evict.length === 0 ? null : info(`<${model}> swap: ${evict.join(', ')} must leave first`);
    }
    case 'swap.draining':
      return info(
        `<${model}> has waited long enough; no new requests for ${event.data.evict.join(', ')} until it was served`,
      );
    case 'swap.abandoned':
      return info(`<${model}> swap given up: ${event.data.why}`);
    case 'process.starting':
      return info(`<${model}> starting, run ${event.position}, output in ${event.data.logFile}`);
    case 'process.ready':
      return info(`<${model}> ready after ${seconds(event.data.loadMs)} at ${event.data.baseUrl}`);
    case 'process.adopted':
      return info(adoptedText(event));
    case 'process.stopping':
      return info(
        `<${model}> stopping (${event.data.reason})${event.data.detail === null ? '' : `: ${event.data.detail}`}`,
      );
    case 'process.killed':
      return warn(`<${model}> killed: ${event.data.why}`);
    case 'process.exited': {
      const { code, signal, by, detail } = event.data;
      const how = signal ?? (code === null ? 'exit code unknown' : `exit code ${code}`);
      return info(`<${model}> gone (${how}, ended by ${by})${detail === null ? '' : `: ${detail}`}`);
    }
    case 'process.flooded':
      return warn(`<${model}> writes ${Math.round(event.data.bytesPerSec / 1024 / 1024)} MiB/s of output`);
    case 'model.backed-off': {
      const { failures, why, until } = event.data;
      const wait = seconds(until - event.at);
      return warn(`<${model}> failed to start (${failures} in a row): ${why}; requests are refused for ${wait}`);
    }
    case 'plan.rejected':
      return warn(`<${model}> the planner's answer was refused by rule ${event.data.rule}: ${event.data.detail}`);
    case 'model.pinned':
      return info(pinText(event));
    case 'model.unpinned':
      return unpinLine(event);
    case 'memory.observed':
      return debug(`<${model}> run ${event.data.run} holds ${formatMemory(event.data.bytes)}`);
    case 'memory.forgotten':
      return info(`<${model}> what was observed of its memory is forgotten, asked by ${event.data.by}`);
    case 'memory.short': {
      const { missing, until } = event.data;
      const most = formatRough(until - event.at);
      return info(`<${model}> waits for ${formatMemory(missing)} that what left has not given back, at most ${most}`);
    }
    case 'memory.awaited':
      return awaitedLine(event);
    case 'request.arrived':
      return event.data.kind === 'idle' ? info(`<${model}> loaded because ${idleWords(event.data.endpoint)}`) : null;
    case 'request.redirected':
      return info(`<${model}> request ${event.request} is served by ${event.data.to}: ${event.data.reason}`);
    case 'request.lost':
      return warn(`request ${event.request} was open when turnout was killed`);
    case 'router.started':
      return event.data.unfinished === null
        ? null
        : warn(
            'turnout was killed the last time; what it left open is closed, what it left running adopted or stopped',
          );
    case 'router.draining':
      return info(
        `${event.data.signal}: stopping; requests being served may finish${event.data.keep ? ', models stay loaded' : ''}`,
      );
    case 'router.stopped':
      return event.data.left === undefined
        ? null
        : info(`left running, for the next start to adopt: ${event.data.left.join(', ')}`);
    case 'clock.stepped':
      return warn(`the wall clock jumped by ${seconds(event.data.byMs)}`);
    case 'log.troubled':
      return { level: 'error', text: `the event log cannot be written: ${event.data.message}` };
    case 'log.recovered':
      return info(`the event log can be written again after ${seconds(event.data.waitedMs)}`);
    case 'log.gap':
      return { level: 'error', text: `${event.data.count} events were lost while the event log could not be written` };
    case 'log.replaced':
      return warn(
        `the event log was not usable (${event.data.reason}); it was moved to ${event.data.movedTo} untouched, and a new one begins. ` +
          'Requests are served as ever. A backup takes its place with: turnout log restore FILE (while turnout is stopped)',
      );
    case 'stall.detected':
      return { level: 'error', text: event.data.what };
    default:
      return narratePolicy(event);
  }
}

function pinText({ model, at, data: { owner, until } }: EventOf<'model.pinned'>): string {
  const how = until === null ? 'until it is unpinned' : `for ${formatRough(until - at)}`;
  return `<${model}> pinned by ${owner} ${how}: no request evicts it`;
}

function adoptedText({ model, data: { run, pid, how, deadline } }: EventOf<'process.adopted'>): string {
  return `<${model}> adopted${deadline === null ? '' : ', still loading'}: run ${run}, process ${pid}, ${ADOPTED_AFTER[how]}`;
}

/** A pin that another one replaces is told by that one. */
function unpinLine({ model, data: { by, why } }: EventOf<'model.unpinned'>): Line | null {
  if (why === 'replaced') return null;
  return info(why === 'expired' ? `<${model}> the pin of ${by} has expired` : `<${model}> unpinned by ${by}`);
}

function awaitedLine({ model, data: { why, waitedMs } }: EventOf<'memory.awaited'>): Line {
  const waited = `after ${seconds(waitedMs)}`;
  if (why === 'freed') return info(`<${model}> the memory is free ${waited}`);
  if (why === 'unobserved') return info(`<${model}> starts ${waited}: nothing tells any more what memory is free`);
  return warn(`<${model}> starts although the memory is not free ${waited} (turnout.memoryWait)`);
}

const debug = (text: string): Line => ({ level: 'debug', text });
const info = (text: string): Line => ({ level: 'info', text });
const warn = (text: string): Line => ({ level: 'warn', text });

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
