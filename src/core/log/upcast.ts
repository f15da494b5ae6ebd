/**
 * Old events, read as if they had been written today. Upcasters are pure, run on read and are kept for ever; what is
 * stored is never rewritten (kernel section 2). Must never look at anything but the data it is given.
 */
import { TurnoutError } from '../errors.ts';

/** Turns the data of one version into that of the next. */
export type Upcaster = (data: unknown) => unknown;

/** Event type to its upcasters: the first leads from version 1 to 2, the next from 2 to 3. */
export type UpcastTable = Readonly<Record<string, readonly Upcaster[]>>;

/** Every upcaster there is. For each type, `VERSION[type]` is 1 + the number of its upcasters. */
export const UPCASTERS: UpcastTable = {
  'config.applied': [plannersCame],
  'process.starting': [(data) => ({ ...(data as object), memory: null })],
};

/** Version 2 knows planners other than groups, and what they need. */
function plannersCame(data: unknown): unknown {
  const applied = data as { settings: { models: object[] } };
  const models = applied.settings.models.map((model) => ({
    ...model,
    memory: null,
    tags: [],
    context: 0,
    keepWarm: [],
    onDemand: { action: 'load' },
  }));
  const settings = {
    ...applied.settings,
    models,
    fallback: 'group',
    matrix: null,
    devices: [],
    memoryWaitMs: 15_000, // the default of that time: history does not follow a limit that changes
    protect: { models: [], otherwise: 'queue' },
    whenIdle: null,
    zone: { name: 'UTC', offsets: [{ from: 0, offsetMin: 0 }] },
    clientPriority: {},
    antiThrash: false,
  };
  return { ...applied, settings };
}

/** Data of any version up to the current one, brought to the current one. Throws TurnoutError('log-damaged') for others. */
export function upcast(
  type: string,
  version: number,
  data: unknown,
  table: UpcastTable,
): { version: number; data: unknown } {
  const steps = table[type] ?? [];
  const current = 1 + steps.length;
  if (!Number.isInteger(version) || version < 1 || version > current) {
    const expected = `expected a version from 1 to ${current}, got ${version}`;
    throw new TurnoutError('log-damaged', `read event "${type}": ${expected}`);
  }
  let changed = data;
  for (const step of steps.slice(version - 1)) changed = step(changed);
  return { version: current, data: changed };
}
