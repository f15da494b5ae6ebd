/**
 * A recorded decision as a case of a test table shows a policy the same View as then: tried with the decisions of whole
 * simulated lives, with crashes, pins, reloads and drains.
 */
import { describe, expect, it } from 'vitest';
import type { EventOf, TurnoutEvent } from '../../src/core/events.ts';
import { emptyState, evolve } from '../../src/core/evolve.ts';
import type { BuiltInName, SetExpression } from '../../src/core/settings.ts';
import type { State } from '../../src/core/state.ts';
import { decodeState, encodeState } from '../../src/core/state-codec.ts';
import type { View } from '../../src/core/view.ts';
import { stageOf } from '../../src/policies/testing/given.ts';
import { recordedFrom } from '../../src/policies/testing/recorded.ts';
import { caseFrom } from '../../src/policies/testing/reduce.ts';
import { readTable } from '../../src/policies/testing/table.ts';
import { runSeed } from '../simulation/run-seed.ts';

const SEEDS = 20;
const PER_SEED = 4;

describe.each<BuiltInName>(['group', 'matrix', 'budget'])('a recorded decision, %s planner', (planner) => {
  it('read again as a case gives the same view', { timeout: 120_000 }, () => {
    let compared = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const { decision, state } of decisionsOf(seed, planner)) {
        const recorded = recordedFrom(decision, state);
        if (namesStrangers(state)) continue;
        const one = JSON.parse(JSON.stringify(caseFrom(recorded, {})));
        const [read] = readTable({ cases: [one] }).cases;
        if (read === undefined) throw new Error('no case');
        const { view, fallback } = stageOf(read);
        expect(comparable(view), `seed ${seed}, decision ${decision.position}`).toEqual(comparable(recorded.view));
        expect(fallback.name).toBe(planner);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(SEEDS);
  });
});

/** Simulated reloads take models away that a matrix still names, which no configuration can. */
function namesStrangers({ settings, models }: State): boolean {
  const known = (part: SetExpression): boolean =>
    part.kind === 'model' ? models.has(part.id) : part.kind === 'set' || part.parts.every(known);
  return settings.matrix?.sets.some(({ expression }) => !known(expression)) === true;
}

/** Spread over the life, with the state that each was made from. */
function decisionsOf(seed: number, planner: BuiltInName) {
  const events = runSeed(seed, { planner }).log.map((text) => JSON.parse(text) as TurnoutEvent);
  const all = events.filter((event): event is EventOf<'plan.decided'> => event.type === 'plan.decided');
  const some = all.filter((_, n) => n % Math.ceil(all.length / PER_SEED) === 0);
  const state = emptyState();
  const found: { decision: EventOf<'plan.decided'>; state: typeof state }[] = [];
  for (const event of events) {
    evolve(state, event);
    for (const decision of some) {
      if (decision.data.viewPosition === event.position)
        found.push({ decision, state: decodeState(encodeState(state)) });
    }
  }
  return found;
}

/** Ids of requests are made up, and a test stands at no position. */
function comparable(view: View) {
  const hide = <T extends object>(list: readonly T[]) => list.map((one) => ({ ...one, request: '' }));
  return JSON.parse(
    JSON.stringify({
      ...view,
      position: 0,
      asking: view.asking.length,
      waiting: hide(view.waiting),
      models: view.models.map((model) => ({ ...model, serving: hide(model.serving) })),
    }),
  );
}
