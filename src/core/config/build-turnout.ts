/** `turnout:` with units converted and names resolved. What a feature does with it is not decided here. */
import type { ModelId } from '../ids.ts';
import { buildDevices } from './build-memory.ts';
import { buildPolicies } from './build-policy.ts';
import { buildProtect, buildWhenIdle } from './build-residents.ts';
import type { Routing } from './build-router.ts';
import type { Config } from './config.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { keyPlaceAt, type Path, placeAt, type TreeNode } from './tree.ts';
import { durationMs, sizeBytes } from './units.ts';

export function buildTurnout(
  raw: RawConfig,
  root: TreeNode,
  routing: Routing,
  names: Map<string, ModelId>,
  report: Report,
): Config['turnout'] {
  const { turnout } = raw;
  const positive = (key: 'queueTimeout' | 'drainTimeout'): number => {
    const ms = durationMs(turnout[key]);
    if (ms === 0)
      report.error('invalid-value', placeAt(root, ['turnout', key]), `turnout.${key} must be greater than 0`);
    return ms;
  };
  checkPriorities(raw, root, report);
  return {
    maxWaitMs: turnout.maxWait === undefined ? null : durationMs(turnout.maxWait),
    minResidencyMs: durationMs(turnout.minResidency),
    queueTimeoutMs: positive('queueTimeout'),
    drainTimeoutMs: positive('drainTimeout'),
    maxBodyBytes: sizeBytes(turnout.maxBodyBytes),
    clientFrom: turnout.client.from.map((name) => name.toLowerCase()),
    sessionFrom: turnout.session.from.map((name) => name.toLowerCase()),
    onTrouble: turnout.eventLog.onTrouble,
    planner: routing.planner,
    fallback: routing.fallback,
    ...buildPolicies(raw, root, routing.planner, report),
    retentionDays: turnout.eventLog.retentionDays,
    eventLogBytesMax: sizeBytes(turnout.eventLog.maxBytes),
    devices: buildDevices(raw, root, report),
    memoryWaitMs: durationMs(turnout.memoryWait),
    protect: buildProtect(raw, root, names, report),
    whenIdle: buildWhenIdle(raw, root, names, report),
    clientPriority: turnout.client.priority,
    antiThrash: turnout.antiThrash,
    timeZone: timeZoneOf(turnout.timeZone, root, report),
    adopt: turnout.adopt,
    shutdown: turnout.shutdown,
  };
}

/** A label is whatever a client calls itself, so any is fine; a key would stand in the log. */
function checkPriorities(raw: RawConfig, root: TreeNode, report: Report): void {
  const path: Path = ['turnout', 'client', 'priority'];
  for (const name of Object.keys(raw.turnout.client.priority)) {
    if (!raw.apiKeys.includes(name)) continue;
    const message = 'turnout.client.priority names an API key, which would stand in the event log';
    const help = 'write the label of the client, as it stands in events';
    report.error('secret', keyPlaceAt(root, [...path, name]), message, help);
  }
}

function timeZoneOf(timeZone: string | undefined, root: TreeNode, report: Report): string | null {
  if (timeZone === undefined) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `turnout.timeZone: expected a time zone such as Europe/Berlin, got "${timeZone}"`;
    report.error('invalid-value', placeAt(root, ['turnout', 'timeZone']), message, () =>
      didYouMean(timeZone, Intl.supportedValuesOf('timeZone')),
    );
    return null;
  }
}
