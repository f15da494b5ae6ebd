/** A failing seed for people: what broke, the command that shows it again, and its short trace. */
import type { TurnoutEvent } from '../../src/core/events.ts';
import type { SeedResult } from './run-seed.ts';
import { shrink } from './shrink.ts';
import { type Tweak, tweakFlags } from './tweak.ts';

const TRACE_LINES = 60;

export function failureReport(seed: number, tweak: Tweak = {}): string {
  const shrunk = shrink(seed, tweak);
  if (shrunk === null) return `seed ${seed} holds`;
  const { result } = shrunk;
  const again = `npm run simulation -- --seed ${seed} ${tweakFlags(shrunk.tweak)} --trace`.replace('  ', ' ');
  return [
    `seed ${seed}: ${result.violations.slice(0, 3).join('; ')}`,
    `after ${result.events} events, shrunk; again: ${again}`,
    ...trace(result).slice(-TRACE_LINES),
  ].join('\n');
}

/** One line per event: when, what, and the figures. */
export function trace({ log }: SeedResult): string[] {
  const events = log.map((text) => JSON.parse(text) as TurnoutEvent);
  const start = events[0]?.at ?? 0;
  return events.map((event) => {
    const { position, at, type, model, request, data } = event;
    const about = [model, request === undefined ? null : `#${request}`].filter(Boolean).join(' ');
    const facts = type === 'config.applied' ? '' : JSON.stringify(data);
    return `${String(at - start).padStart(8)} ms ${String(position).padStart(5)} ${type} ${about} ${facts}`.trimEnd();
  });
}
