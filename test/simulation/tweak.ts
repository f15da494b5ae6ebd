/** A scenario made smaller: fewer clients, fewer kinds of fault, another course of the same world. How seeds are shrunk. */
import type { BuiltInName } from '../../src/core/settings.ts';
import type { Scenario } from './scenario.ts';

export interface Tweak {
  /** Seed of what happens, apart from what the scenario is; default: the seed itself. */
  world?: number;
  clients?: number;
  /** The planner in charge; default: what the seed says. */
  planner?: BuiltInName;
  /** Kinds of fault that are off. */
  off?: Fault[];
}

const TURN_OFF = {
  neverReady: (s: Scenario) => (s.processes.neverReady = 0),
  crashLoading: (s: Scenario) => (s.processes.crashLoading = 0),
  crashServing: (s: Scenario) => (s.processes.crashServing = 0),
  ignoreTerm: (s: Scenario) => (s.processes.ignoreTerm = 0),
  spawnFails: (s: Scenario) => (s.processes.spawnFails = 0),
  stopHangs: (s: Scenario) => (s.processes.stopHangs = 0),
  diskTrouble: (s: Scenario) => (s.disk.trouble = 0),
  slowDisk: (s: Scenario) => (s.disk.commitMsMax = 0),
  leaves: (s: Scenario) => (s.clients.leaves = 0),
  cuts: (s: Scenario) => (s.clients.cuts = 0),
  loads: (s: Scenario) => (s.clients.loads = 0),
  quiets: (s: Scenario) => (s.clients.quiets = 0),
  unloads: (s: Scenario) => (s.operator.unloads = 0),
  kills: (s: Scenario) => (s.operator.kills = 0),
  reloads: (s: Scenario) => (s.operator.reloads = 0),
  clockSteps: (s: Scenario) => (s.operator.clockSteps = 0),
  pins: (s: Scenario) => (s.operator.pins = 0),
  forgets: (s: Scenario) => (s.operator.forgets = 0),
  handovers: (s: Scenario) => (s.operator.handovers = 0),
  hangsAfterKill: (s: Scenario) => (s.processes.hangsAfterKill = 0),
  devices: (s: Scenario) => (s.devices.everyMs = 0),
  silentDevices: (s: Scenario) => (s.devices.silent = 0),
  latePlanner: (s: Scenario) => (s.planner.lateMsMax = 0),
  silentPlanner: (s: Scenario) => (s.planner.never = 0),
  nonsense: (s: Scenario) => (s.planner.nonsense = 0),
  sameMoment: (s: Scenario) => (s.quantumMs = 1),
} satisfies Record<string, (scenario: Scenario) => number>;

export type Fault = keyof typeof TURN_OFF;
export const FAULTS = Object.keys(TURN_OFF) as Fault[];

export function applyTweak(scenario: Scenario, tweak: Tweak): Scenario {
  for (const fault of tweak.off ?? []) TURN_OFF[fault](scenario);
  if (tweak.clients !== undefined) scenario.clients.count = tweak.clients;
  return scenario;
}

/** The flags that give this tweak again. */
export function tweakFlags({ planner, world, clients, off }: Tweak): string {
  const flags: string[] = [];
  if (planner !== undefined) flags.push(`--planner ${planner}`);
  if (world !== undefined) flags.push(`--world ${world}`);
  if (clients !== undefined) flags.push(`--clients ${clients}`);
  if (off !== undefined && off.length > 0) flags.push(`--off ${off.join(',')}`);
  return flags.join(' ');
}
