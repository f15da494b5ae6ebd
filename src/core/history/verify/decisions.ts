/**
 * The recorded decisions of a log, each with the question as it was put to its planner: the log is folded to where the
 * planner was asked, and the seat is made anew where the running turnout made it anew. Asks nobody.
 */
import { decide } from '../../decide.ts';
import type { EventOf, EventType, TurnoutEvent, Verdict } from '../../events.ts';
import { evolve } from '../../evolve.ts';
import type { ModelId, Position } from '../../ids.ts';
import type { TimeTravel } from '../../log/log.ts';
import type { BuiltInPlanner, Hints } from '../../plan.ts';
import type { BuiltInName, Settings } from '../../settings.ts';
import type { State } from '../../state.ts';
import type { View } from '../../view.ts';
import type { LogReader } from '../collect.ts';
import { questionOf } from '../decision.ts';
import { eventsOf, pagesAheadOf } from '../pages.ts';

export type MakeBuiltIn = (name: BuiltInName, settings: Settings, state: Readonly<State>) => BuiltInPlanner;

/** Who could be asked at that moment. */
export interface PastSeat {
  fallback: BuiltInPlanner;
  builtIn(name: BuiltInName): BuiltInPlanner;
}

export interface PastDecision {
  decision: EventOf<'plan.decided'>;
  view: View;
  hints: Hints;
  seat: PastSeat;
  /** As it was when the planner was asked; only until `outcome` is called or the next decision is taken. */
  state: Readonly<State>;
  /** What the kernel makes of a verdict, where the decision stands in the log; null = no decision would be recorded. */
  outcome(verdict: Verdict): Promise<EventOf<'plan.decided'>['data']['outcome'] | null>;
}

export interface Range {
  /** The log is folded from here on; decisions at or before it are not looked at. */
  from: Position;
  to: Position;
}

/** Events after which the running turnout makes its seat anew. */
const SEATS: ReadonlySet<EventType> = new Set<EventType>([
  'config.applied',
  'policy.loaded',
  'policy.disabled',
  'policy.unloaded',
]);

/** Decisions in order. One whose question lies before `from` is left out: its state is not known. */
export async function* decisionsOf(
  log: LogReader & Pick<TimeTravel, 'stateAt'>,
  { from, to }: Range,
  makeBuiltIn: MakeBuiltIn,
): AsyncGenerator<PastDecision> {
  const past = await foldedFrom(log, { from, to }, makeBuiltIn);
  try {
    for await (const event of eventsOf(log, { from: from + 1, to, types: ['plan.decided'] })) {
      const decision = event as EventOf<'plan.decided'>;
      if (decision.data.viewPosition < past.state.position) continue;
      await past.foldTo(decision.data.viewPosition);
      const seat = past.seat();
      const { view, hints } = questionOf(past.state, decision, seat.fallback);
      yield {
        decision,
        view,
        hints,
        seat,
        state: past.state,
        async outcome(verdict) {
          await past.foldTo(decision.position - 1);
          return outcomeOf(past.state, decision, verdict, past.seat().fallback);
        },
      };
    }
  } finally {
    await past.close();
  }
}

/** What a range holds, for who shows how far it is. */
export const share = (position: Position, { from, to }: Range): number => (position - from) / Math.max(1, to - from);

function outcomeOf(
  state: Readonly<State>,
  { model, at, data }: EventOf<'plan.decided'>,
  verdict: Verdict,
  rules: BuiltInPlanner,
) {
  const { outcome: _, ...rest } = data;
  const answer = { ...rest, verdict };
  const drafts = decide(state, { type: 'planner.answer', target: model as ModelId, answer }, at, rules);
  const drafted = drafts.find((draft) => draft.type === 'plan.decided');
  return drafted?.type === 'plan.decided' ? drafted.data.outcome : null;
}

interface FoldedPast {
  readonly state: State;
  seat(): PastSeat;
  foldTo(position: Position): Promise<void>;
  close(): Promise<void>;
}

/** One pass over the events, as far as it is asked to go. */
async function foldedFrom(
  log: LogReader & Pick<TimeTravel, 'stateAt'>,
  { from, to }: Range,
  makeBuiltIn: MakeBuiltIn,
): Promise<FoldedPast> {
  const state = await log.stateAt(from);
  const pages = pagesAheadOf(log, { from: from + 1, to });
  let page: TurnoutEvent[] = [];
  let at = 0;
  let seat = seatOf(state, makeBuiltIn);
  return {
    state,
    seat: () => seat,
    async foldTo(position) {
      for (;;) {
        if (at === page.length) {
          const { value, done } = await pages.next();
          if (done === true) return;
          page = value;
          at = 0;
        }
        const next = page[at] as TurnoutEvent;
        if (next.position > position) return;
        evolve(state, next);
        if (SEATS.has(next.type)) seat = seatOf(state, makeBuiltIn);
        at++;
      }
    },
    async close() {
      await pages.return(undefined);
    },
  };
}

/** As the kernel seats its planners: runs of models that left the configuration still take their place in their group. */
export function seatOf(state: Readonly<State>, makeBuiltIn: MakeBuiltIn): PastSeat {
  const models = [...state.models.values()].map((model) => model.settings);
  const settings = { ...state.settings, models };
  const builtIn = (name: BuiltInName) => makeBuiltIn(name, settings, state);
  return { fallback: builtIn(settings.fallback), builtIn };
}
