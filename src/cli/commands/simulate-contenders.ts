/**
 * Who plays in `turnout simulate`: what `--policy` and `--memory` mean for the recorded settings, and what they need that
 * the log does not have. Must never start anything.
 */
import { SIZE, sizeBytes } from '../../core/config/units.ts';
import { TurnoutError } from '../../core/errors.ts';
import { type Changes, type Contender, changed } from '../../core/history/simulate/contender.ts';
import type { Trace } from '../../core/history/simulate/trace.ts';
import type { ModelId } from '../../core/ids.ts';
import { observedOf } from '../../core/memory.ts';
import type { BuiltInName, Memory, Settings } from '../../core/settings.ts';
import type { State } from '../../core/state.ts';
import type { ProgramFile } from './policy-programs.ts';
import type { SimPolicies } from './simulate-policies.ts';

export type Wanted = { name: string; builtIn: BuiltInName } | { name: string; file: string };

export type Devices = Record<string, number>;

const BUILT_INS: readonly string[] = ['group', 'matrix', 'budget'] satisfies BuiltInName[];
const PREFIX = 'builtin:';

/** What `--policy` names. Throws TurnoutError 'usage'. */
export function readPolicies(texts: readonly string[]): Wanted[] {
  return texts.map((name) => {
    if (!name.startsWith(PREFIX)) return { name, file: name };
    const builtIn = name.slice(PREFIX.length);
    if (BUILT_INS.includes(builtIn)) return { name, builtIn: builtIn as BuiltInName };
    const known = BUILT_INS.map((one) => PREFIX + one).join(', ');
    throw new TurnoutError('usage', `read --policy "${name}": expected a file, or one of ${known}`);
  });
}

/** What `--memory gpu0=24GiB` names. Throws TurnoutError 'usage'. */
export function readMemory(texts: readonly string[]): Devices | undefined {
  const devices: Devices = {};
  for (const text of texts.flatMap((one) => one.split(','))) {
    const [, device, size = ''] = /^([^=]+)=(.+)$/.exec(text.trim()) ?? [];
    if (device === undefined || !SIZE.test(size) || sizeBytes(size) <= 0) {
      throw new TurnoutError('usage', `read --memory "${text}": expected a device and a size such as gpu0=24GiB`);
    }
    devices[device] = sizeBytes(size);
  }
  return texts.length === 0 ? undefined : devices;
}

export interface ContenderPorts {
  wanted: readonly Wanted[];
  devices: Devices | undefined;
  trace: Trace;
  begin: Readonly<State>;
  policies: SimPolicies;
  programs: ReadonlyMap<string, ProgramFile>;
}

/** The recorded planner, and beside it: itself with other memory, and each that was named. Throws TurnoutError 'usage'. */
export function contendersOf(ports: ContenderPorts): { recorded: Contender; others: Contender[]; notes: string[] } {
  const { wanted, devices, trace, policies } = ports;
  const { settings } = trace.end;
  if (devices !== undefined) checkDevices(settings, devices);
  const name = `${settings.planner} (recorded)`;
  const recorded: Contender = { name, changes: {}, policy: recordedPolicy(ports), brought: false };
  const others: Contender[] = [];
  const notes = new Set<string>();
  const memory = devices === undefined ? {} : { devices };
  if (devices !== undefined) {
    if (settings.planner === 'group' || settings.planner === 'matrix') {
      notes.add(`--memory changes nothing for the ${settings.planner} planner, which does not look at memory`);
    }
    const other = `${settings.planner}, other memory`;
    others.push({ name: other, changes: memory, policy: recordedPolicy(ports), brought: false });
  }
  for (const one of wanted) {
    if ('file' in one) {
      const program = ports.programs.get(one.file) as ProgramFile;
      const changes: Changes = { planner: 'policy', ...memory };
      others.push({ name: one.name, changes, policy: policies.brought(program), brought: true });
      continue;
    }
    const changes: Changes = { planner: one.builtIn, ...memory };
    if (one.builtIn === 'matrix' && settings.matrix === null) {
      throw new TurnoutError(
        'usage',
        `simulate ${one.name}: expected sets (matrix) in the recorded configuration, got none`,
      );
    }
    if (one.builtIn === 'budget') changes.memory = sizesFor(changed(settings, changes), ports, notes);
    others.push({ name: one.name, changes, policy: null, brought: false });
  }
  return { recorded, others, notes: [...notes] };
}

/** A policy that was in charge somewhere in the slice. */
function recordedPolicy({ begin, trace, policies }: ContenderPorts): Contender['policy'] {
  const has = begin.policies.has('live') || trace.inputs.some(({ kind }) => kind === 'policy');
  return has ? policies.recorded() : null;
}

function checkDevices({ devices }: Settings, wanted: Devices): void {
  const known = devices.map(({ id }) => id);
  const strange = Object.keys(wanted).find((id) => known.length > 0 && !known.includes(id));
  if (strange === undefined) return;
  throw new TurnoutError('usage', `read --memory "${strange}": expected a device among ${known.join(', ')}`);
}

/** Sizes of models that the configuration does not tell, as they were observed in the log. */
function sizesFor(settings: Settings, { trace }: ContenderPorts, notes: Set<string>): Map<ModelId, Memory> {
  if (settings.devices.length === 0) {
    const how = 'expected devices in the recorded configuration, got none; name them with --memory gpu0=24GiB';
    throw new TurnoutError('usage', `simulate builtin:budget: ${how}`);
  }
  const sizes = new Map<ModelId, Memory>();
  const alone: string[] = [];
  for (const { id, memory } of settings.models) {
    if (memory !== null) continue;
    const observed = observedOf(trace.end.models.get(id)?.memorySamples ?? []);
    if (observed === null) alone.push(id);
    else sizes.set(id, observed);
  }
  if (sizes.size > 0) {
    notes.add(`budget: what ${[...sizes.keys()].join(', ')} take is not configured and is as it was observed`);
  }
  if (alone.length > 0) {
    notes.add(
      `budget: what ${alone.join(', ')} take is neither configured nor observed, so each gets everything for itself`,
    );
  }
  return sizes;
}
