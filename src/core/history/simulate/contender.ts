/**
 * Who plays a slice: the planner that was in charge, or another one, with its settings; and the seam behind which policies
 * of users are asked. Types and settings only. Must never know how a policy is run.
 */
import type { EventData, PolicyFaultData, TurnoutEvent } from '../../events.ts';
import type { ModelId, Position } from '../../ids.ts';
import type { PolicyAnswers, PolicyFault, PolicyReply } from '../../runtime/policy-port.ts';
import type { BuiltInName, Memory, Settings } from '../../settings.ts';

/** The policy of one play. */
export interface SimPolicy {
  /**
   * Brings it up with the memory that it has at `position`. `recorded`: which one was loaded then, where the log says so;
   * null = the policy that was brought.
   */
  take(ask: {
    recorded: EventData['policy.loaded'] | null;
    models: readonly ModelId[];
    configHash: string;
    position: Position;
    /** What happened in the play before the first one was taken. */
    earlier: readonly TurnoutEvent[];
  }): Promise<{ loaded: EventData['policy.loaded']; wants: readonly string[] } | { refused: PolicyFaultData }>;
  ask<H extends keyof PolicyAnswers>(
    hook: H,
    viewJson: string,
    seed: number,
  ): Promise<{ ok: true; value: PolicyReply<PolicyAnswers[H]> } | { ok: false; fault: PolicyFault }>;
  /** What it wants to know of what happened up to a position. */
  evolve(upTo: Position, events: readonly TurnoutEvent[]): void;
}

export interface Contender {
  name: string;
  /** What of the recorded settings is different for it. */
  changes: Changes;
  /** Null: whatever the settings say decides, a recorded policy too. */
  policy: SimPolicy | null;
  /** Whether `policy` is asked in place of what was in charge, rather than being it. */
  brought: boolean;
}

export interface Changes {
  planner?: BuiltInName | 'policy';
  /** By device. */
  devices?: Readonly<Record<string, number>>;
  /** For models of which the settings say nothing. */
  memory?: ReadonlyMap<ModelId, Memory>;
}

export const changesNothing = ({ planner, devices, memory }: Changes): boolean =>
  planner === undefined && devices === undefined && (memory === undefined || memory.size === 0);

/** The settings as a contender has them. */
export function changed(settings: Settings, { planner, devices, memory }: Changes): Settings {
  const { fallback } = settings;
  return {
    ...settings,
    ...(planner === undefined ? {} : { planner, fallback: planner === 'policy' ? fallback : planner }),
    ...(devices === undefined ? {} : { devices: withDevices(settings.devices, devices) }),
    ...(memory === undefined
      ? {}
      : { models: settings.models.map((one) => ({ ...one, memory: one.memory ?? memory.get(one.id) ?? null })) }),
  };
}

function withDevices(known: Settings['devices'], wanted: Readonly<Record<string, number>>): Settings['devices'] {
  const kept = known.map((device) => ({ ...device, bytes: wanted[device.id] ?? device.bytes }));
  const fresh = Object.entries(wanted).filter(([id]) => !known.some((device) => device.id === id));
  return [...kept, ...fresh.map(([id, bytes]) => ({ id, bytes }))];
}
