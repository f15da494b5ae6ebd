/**
 * What a replay shows: one line for each event that a person would want to see pass by, and the models and the queue as
 * they stand then. Pure; asks no planner.
 */
import { pastPicture } from '../../api/routes/state.ts';
import type { TurnoutEvent } from '../../core/events.ts';
import { verdictWords } from '../../core/history/explain-position.ts';
import { formatClock, formatDuration, type TimeStyle } from '../../core/history/format.ts';
import { narrate } from '../../core/runtime/narrate.ts';
import type { State } from '../../core/state.ts';
import { pictureText } from './state.ts';

/** What happened, or null for what only machines care about. */
export function eventWords(event: TurnoutEvent): string | null {
  const { model } = event;
  switch (event.type) {
    case 'plan.decided': {
      const { planner, verdict, outcome } = event.data;
      return `<${model}> ${planner.name} planner: ${verdictWords(verdict)} (${outcome}): ${verdict.reason}`;
    }
    case 'target.blocked':
      return `<${model}> its requests wait: ${event.data.reason}`;
    case 'request.arrived':
      return event.data.kind === 'idle'
        ? (narrate(event)?.text ?? null)
        : `<${model ?? event.data.asked}> request ${event.data.id} of ${event.data.client} arrived`;
    case 'request.granted':
      return `<${model}> request ${event.request} is served after ${formatDuration(event.data.waitedMs)}`;
    case 'request.finished':
      return `<${model}> request ${event.request} finished with ${event.data.status} (${event.data.outcome})`;
    case 'request.rejected':
      return `<${model ?? '-'}> request ${event.request} refused with ${event.data.status}: ${event.data.reason}`;
    case 'request.cancelled':
      return `<${model}> request ${event.request}: its client left while ${event.data.stage}`;
    case 'swap.started':
      return `<${model}> swap begins${event.data.evict.length === 0 ? '' : `: ${event.data.evict.join(', ')} must leave`}`;
    case 'swap.finished':
      return `<${model}> swap ${event.data.ok ? 'done' : `failed: ${event.data.why}`} after ${formatDuration(event.data.tookMs)}`;
    default:
      return narrate(event)?.text ?? null;
  }
}

/** `12:03:11.204      48  <qwen> …`. */
export function eventLine(event: TurnoutEvent, words: string, style: TimeStyle): string {
  return `${formatClock(event.at, style)}  ${String(event.position).padStart(6)}  ${words}`;
}

/** Models and queue on one line: `qwen ready 1 | llama starting, 2 wait`. */
export function summaryLine(state: Readonly<State>): string {
  const models = [...state.models.values()].filter(({ run, waiting }) => run !== null || waiting.size > 0);
  if (models.length === 0) return 'nothing is loaded and nobody waits';
  const words = models.map(({ id, run, serving, waiting }) => {
    const busy = serving.size === 0 ? '' : `, serves ${serving.size}`;
    return `${id} ${run?.phase ?? 'stopped'}${busy}${waiting.size === 0 ? '' : `, ${waiting.size} wait`}`;
  });
  return words.join(' | ');
}

/** A whole screen: the state, and the last things that happened. */
export function frame(state: Readonly<State>, lines: readonly string[], style: TimeStyle): string {
  return `${pictureText(pastPicture(state, null), style)}\n\n${lines.join('\n')}`;
}
