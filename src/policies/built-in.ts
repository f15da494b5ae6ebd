/** The planners that are part of turnout, by name. The only place that knows all of them. */
import { memoryOf } from '../core/memory.ts';
import type { BuiltInPlanner } from '../core/plan.ts';
import type { BuiltInName, Settings } from '../core/settings.ts';
import type { State } from '../core/state.ts';
import { budgetPlanner } from './budget.ts';
import { groupPlanner } from './group.ts';
import { matrixPlanner } from './matrix.ts';

/** `state` is read at each question: sizes are learned and reservations come and go. */
export function builtInPlanner(name: BuiltInName, settings: Settings, state: Readonly<State>): BuiltInPlanner {
  switch (name) {
    case 'group':
      return groupPlanner(settings);
    case 'matrix':
      return matrixPlanner(settings);
    case 'budget':
      return budgetPlanner(settings, (id) => {
        const model = state.models.get(id);
        return model === undefined ? null : memoryOf(state, model);
      });
  }
}
