/**
 * `turnout replay`: folds a log before one's eyes: models, queue and decisions as they were, at the speed they had or any
 * other. Asks no planner and starts nothing. On a terminal it is a picture that changes, else lines that follow each other.
 */
import { createInterface } from 'node:readline';
import { TurnoutError } from '../../core/errors.ts';
import type { TurnoutEvent } from '../../core/events.ts';
import { evolve } from '../../core/evolve.ts';
import { positionOf, readMoment } from '../../core/history/moment.ts';
import { eventsOf } from '../../core/history/pages.ts';
import type { State } from '../../core/state.ts';
import { print } from '../output.ts';
import { openPastLog, type PastLog, type PastOptions } from './past-log.ts';
import { eventLine, eventWords, frame, summaryLine } from './replay-text.ts';

interface ReplayOptions extends PastOptions {
  from?: string;
  to?: string;
  speed: string;
  step?: boolean;
}

/** Longest real pause: nobody watches a night in which nothing happens. */
const PAUSE_MAX_MS = 3_000;
const LINES_SHOWN = 12;

export async function replay(file: string | undefined, options: ReplayOptions): Promise<void> {
  const speed = Number(options.speed);
  if (!(speed >= 0) || options.speed.trim() === '') {
    throw new TurnoutError('usage', `read --speed "${options.speed}": expected 0 (no waiting) or a factor such as 10`);
  }
  const log = await openPastLog(file === undefined ? options : { ...options, file });
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const pace = options.step === true ? steps(stop.signal) : waits(speed, stop.signal);
  try {
    await run(log, options, speed, pace, stop.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    pace.close();
    await log.close();
  }
}

async function run(
  log: PastLog,
  options: ReplayOptions,
  speed: number,
  pace: Pace,
  signal: AbortSignal,
): Promise<void> {
  const range = await rangeOf(log, options);
  const state = await log.stateAt(range.from);
  const screen = process.stdout.isTTY === true && (speed > 0 || options.step === true);
  const shown = screen ? onScreen(options) : asLines();
  let before = state.at;
  for await (const event of eventsOf(log, { from: range.from + 1, to: range.to })) {
    const words = eventWords(event);
    if (words !== null) await pace.before(event.at - before);
    if (signal.aborted) return;
    if (words !== null) before = event.at;
    evolve(state, event);
    if (words !== null) shown.show(state, eventLine(event, words, options), event);
  }
  if (!screen) print(summaryLine(state));
}

async function rangeOf(log: PastLog, { from, to, utc }: ReplayOptions): Promise<{ from: number; to: number }> {
  const clock = { now: Date.now(), utc: utc === true };
  const first = from === undefined ? log.base : (await positionOf(log, readMoment('--from', from, clock))) - 1;
  const last = to === undefined ? log.head : await positionOf(log, readMoment('--to', to, clock));
  return { from: Math.max(log.base, first), to: Math.min(log.head, last) };
}

interface Shown {
  show(state: Readonly<State>, line: string, event: TurnoutEvent): void;
}

function onScreen(options: ReplayOptions): Shown {
  let lines: string[] = [];
  return {
    show(state, line) {
      lines = [...lines, line].slice(-LINES_SHOWN);
      const width = process.stdout.columns ?? 80;
      const text = frame(state, lines, options).split('\n');
      process.stdout.write(`\u001b[H\u001b[2J${text.map((one) => one.slice(0, width)).join('\n')}\n`);
    },
  };
}

/** The models and the queue follow when they are others than before. */
function asLines(): Shown {
  let last = '';
  return {
    show(state, line) {
      print(line);
      const summary = summaryLine(state);
      if (summary !== last) print(`                      ${summary}`);
      last = summary;
    },
  };
}

interface Pace {
  /** Resolves when the next thing is to be shown, `ms` after the last one. */
  before(ms: number): Promise<void>;
  close(): void;
}

function waits(speed: number, signal: AbortSignal): Pace {
  return {
    before(ms) {
      if (speed === 0 || ms <= 0 || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(PAUSE_MAX_MS, ms / speed));
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
    close() {},
  };
}

/** One thing for each line on stdin; all the rest when stdin ends. */
function steps(signal: AbortSignal): Pace {
  const input = createInterface({ input: process.stdin });
  let typed = 0;
  let ended = false;
  let wake = () => {};
  input.on('line', () => {
    typed++;
    wake();
  });
  input.on('close', () => {
    ended = true;
    wake();
  });
  signal.addEventListener('abort', () => input.close());
  return {
    async before() {
      while (typed === 0 && !ended && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      typed = Math.max(0, typed - 1);
    },
    close: () => input.close(),
  };
}
