/** Promises that come true when the state does: models gone, turnout stopped. Never decides, never times out. */
import type { ModelId, RunId } from '../ids.ts';
import type { State } from '../state.ts';

export interface Waiting {
  /** Resolves when the runs that these models have now (none named: all) are gone. */
  forRuns(state: Readonly<State>, models: readonly ModelId[]): Promise<void>;
  forExit(state: Readonly<State>): Promise<void>;
  check(state: Readonly<State>): void;
  exited(): void;
}

export function createWaiting(): Waiting {
  let open: { runs: Set<RunId>; resolve: () => void }[] = [];
  let exits: (() => void)[] = [];

  return {
    forRuns(state, models) {
      const ids = models.length > 0 ? models : [...state.alive];
      const runs = new Set<RunId>();
      for (const id of ids) {
        const run = state.models.get(id)?.run;
        if (run != null) runs.add(run.run);
      }
      if (runs.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        open.push({ runs, resolve });
      });
    },
    forExit: (state) => (state.phase === 'stopped' ? Promise.resolve() : new Promise((resolve) => exits.push(resolve))),
    check(state) {
      if (open.length === 0) return;
      const live = new Set<RunId>();
      for (const id of state.alive) {
        const run = state.models.get(id)?.run;
        if (run != null) live.add(run.run);
      }
      const done = open.filter(({ runs }) => [...runs].every((run) => !live.has(run)));
      if (done.length === 0) return;
      open = open.filter((one) => !done.includes(one));
      for (const { resolve } of done) resolve();
    },
    exited() {
      const due = exits;
      exits = [];
      for (const resolve of due) resolve();
    },
  };
}
