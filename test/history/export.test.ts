/** An export folds alone, to the state that the log folds to, whatever names it gives. */
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { fold } from '../../src/core/evolve.ts';
import { readAll } from '../log/log-fixtures.ts';
import { keptLog, opened, written } from './export-support.ts';

describe('an export', () => {
  it.each([0, 3, 150, 260, 390, 391])(
    'from position %i on holds the same events and leads to the same states',
    async (base) => {
      const log = await keptLog('before-planners');
      const { file, end } = await written(log, { base });
      const slice = await opened(file);
      expect({ head: slice.head, events: end.events }).toEqual({ head: log.head, events: log.head - base });
      const events = await readAll(slice);
      expect(events.filter(({ position }) => position > base)).toEqual(await log.read({ from: base + 1 }));
      expect(canonical(fold(events))).toBe(canonical(await log.stateAt(log.head)));
      for (const position of [base, Math.floor((base + log.head) / 2), log.head]) {
        expect(canonical(await slice.stateAt(position))).toBe(canonical(await log.stateAt(position)));
      }
    },
  );
});
