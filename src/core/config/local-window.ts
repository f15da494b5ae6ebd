/**
 * Windows of local time as people write them: `mon-fri 08:00-18:00`. Text to a window, or the first thing that is wrong with
 * it, where, and what to write. Must never ask what time it is.
 */
import type { LocalWindow } from '../settings.ts';
import { nearest } from './nearest.ts';

/** 0 = Sunday. */
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAILY = 'daily';
const DAY_MIN = 24 * 60;

interface WindowProblem {
  problem: string;
  help: string | null;
  /** Offsets in the text. */
  start: number;
  end: number;
}

interface Token {
  text: string;
  start: number;
  end: number;
}

/** Days (`mon`, `mon-fri`, `sat,sun`, `daily`), then a begin and an end; an end that is not later is one of the next day. */
export function parseWindow(text: string): { window: LocalWindow } | WindowProblem {
  const tokens: Token[] = [...text.matchAll(/\d+(?::\d*)?[a-z]*|[a-z]+|\S/gi)].map(({ 0: word, index }) => {
    return { text: word, start: index, end: index + word.length };
  });
  const end: Token = { text: '', start: text.length, end: text.length };
  const at = (index: number): Token => tokens[index] ?? end;
  const days = readDays(at);
  if ('problem' in days) return days;
  const [begin, dash, until, rest] = [0, 1, 2, 3].map((offset) => at(days.next + offset)) as [
    Token,
    Token,
    Token,
    Token,
  ];
  const fromMin = minutesOf(begin.text, DAY_MIN - 1);
  if (fromMin === null) return problem(begin, 'a time such as 08:00');
  if (dash.text !== '-') return problem(dash, '"-" and the end of the window');
  const toMin = minutesOf(until.text, DAY_MIN);
  if (toMin === null) return problem(until, 'a time such as 18:00');
  if (rest.text !== '') return problem(rest, 'the end of the text', 'write several windows as a list');
  if (fromMin === toMin) {
    const message = 'the window begins and ends at the same time';
    return { problem: message, help: 'write 00:00-24:00 for whole days', start: begin.start, end: until.end };
  }
  return { window: { days: days.days, fromMin, toMin: toMin < fromMin ? toMin + DAY_MIN : toMin } };
}

/** `next` is the token behind the days. */
function readDays(at: (index: number) => Token): { days: number[]; next: number } | WindowProblem {
  const days = new Set<number>();
  for (let next = 0; ; next += 1) {
    const first = at(next);
    next += 1;
    const daily = first.text.toLowerCase() === DAILY;
    const from = daily ? 0 : dayOf(first);
    if (from === -1) return dayProblem(first, [...DAYS, DAILY]);
    let to = daily ? DAYS.length - 1 : from;
    if (!daily && at(next).text === '-') {
      const last = at(next + 1);
      to = dayOf(last);
      if (to === -1) return dayProblem(last, DAYS);
      next += 2;
    }
    // a range may run over Saturday to Sunday
    for (let day = from; day !== to; day = (day + 1) % DAYS.length) days.add(day);
    days.add(to);
    if (at(next).text !== ',') return { days: [...days].sort((a, b) => a - b), next };
  }
}

function dayOf({ text }: Token): number {
  return DAYS.indexOf(text.toLowerCase());
}

/** Minutes since midnight, at most `most`; null when it is no time. */
function minutesOf(text: string, most: number): number | null {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hours === undefined || Number(minutes) > 59) return null;
  const total = Number(hours) * 60 + Number(minutes);
  return total > most ? null : total;
}

function dayProblem(token: Token, known: string[]): WindowProblem {
  const { text, start, end } = token;
  if (!/^[a-z]/i.test(text)) {
    return problem(token, 'a day', 'write for example "mon-fri 08:00-18:00" or "daily 22:00-06:00"');
  }
  const near = known.find((day) => text.toLowerCase().startsWith(day)) ?? nearest(text, known);
  const help = near === null ? `days are ${known.join(', ')}` : `did you mean "${near}"?`;
  return { problem: `unknown day "${text}"`, help, start, end };
}

function problem({ text, start, end }: Token, expected: string, help: string | null = null): WindowProblem {
  return { problem: `expected ${expected}, got ${text === '' ? 'nothing' : `"${text}"`}`, help, start, end };
}
