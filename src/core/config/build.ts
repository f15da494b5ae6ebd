/**
 * The raw configuration, known to have the right shape, as the rest of turnout uses it. Calls the checks that look at
 * more than one value; all of them run, so that all problems are told at once.
 */
import { createHash } from 'node:crypto';
import type { ModelId } from '../ids.ts';
import { buildModels, buildNames } from './build-models.ts';
import { applyPriorities, buildGroups } from './build-routing.ts';
import type { Config } from './config.ts';
import { describe } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { redactedJson } from './redacted.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { hideSecrets, redact, type Secrets } from './secrets.ts';
import { type MapNode, nodeAt, type Path, pathText, placeAt } from './tree.ts';
import { durationMs, sizeBytes } from './units.ts';

/** Without `warnings` and `files`, which are the loader's. Worth nothing if the report has errors. */
export function buildConfig(
  raw: RawConfig,
  root: MapNode,
  ports: Map<string, number>,
  secrets: Secrets,
  report: Report,
): Omit<Config, 'warnings' | 'files'> {
  const written = nodeAt(root, ['models']);
  const ids = written?.kind === 'map' ? written.entries.keys() : [];
  const models = buildModels(raw, root, ids, ports, report);
  const names = buildNames(models, root, report);
  const groups = buildGroups(raw, root, models, names, report);
  applyPriorities(raw, root, models, names, report);
  const config = {
    models,
    names,
    groups,
    logLevel: logLevel(raw, root, report),
    logToStdout: raw.logToStdout,
    preload: preload(raw, root, names, report),
    apiKeys: raw.apiKeys,
    turnout: turnout(raw, root, report),
  };
  const redacted = redactedJson({ ...config, models: [...models.values()] }, secrets);
  const hide = (text: string) => hideSecrets(text, secrets, redact);
  return { ...config, redacted, redact: hide, hash: createHash('sha256').update(redacted).digest('hex') };
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Anything else behaves as info (spec 2.2). */
function logLevel(raw: RawConfig, root: MapNode, report: Report): Config['logLevel'] {
  const wanted = raw.logLevel.trim().toLowerCase();
  const level = LOG_LEVELS.find((known) => known === wanted);
  if (level !== undefined) return level;
  const path: Path = ['logLevel'];
  const message = `logLevel: expected one of ${LOG_LEVELS.join(', ')}, got ${describe(nodeAt(root, path))}; info is used`;
  report.warning('log-level', placeAt(root, path), message, () => didYouMean(wanted, LOG_LEVELS));
  return 'info';
}

/** Aliases count; names that no model has are left out (spec 2.2). */
function preload(raw: RawConfig, root: MapNode, names: Map<string, ModelId>, report: Report): ModelId[] {
  const path: Path = ['hooks', 'on_startup', 'preload'];
  const models: ModelId[] = [];
  raw.hooks.on_startup.preload.forEach((written, i) => {
    const name = written.trim();
    if (name === '') return;
    const id = names.get(name);
    if (id !== undefined) models.push(id);
    else {
      const message = `${pathText(path)}: unknown model "${name}" is not loaded`;
      report.warning('unknown-model', placeAt(root, [...path, i]), message, () => didYouMean(name, names.keys()));
    }
  });
  return models;
}

function turnout(raw: RawConfig, root: MapNode, report: Report): Config['turnout'] {
  const { turnout } = raw;
  const positive = (key: 'queueTimeout' | 'drainTimeout'): number => {
    const ms = durationMs(turnout[key]);
    if (ms === 0)
      report.error('invalid-value', placeAt(root, ['turnout', key]), `turnout.${key} must be greater than 0`);
    return ms;
  };
  return {
    maxWaitMs: turnout.maxWait === undefined ? null : durationMs(turnout.maxWait),
    minResidencyMs: durationMs(turnout.minResidency),
    queueTimeoutMs: positive('queueTimeout'),
    drainTimeoutMs: positive('drainTimeout'),
    maxBodyBytes: sizeBytes(turnout.maxBodyBytes),
    clientFrom: turnout.client.from.map((name) => name.toLowerCase()),
    sessionFrom: turnout.session.from.map((name) => name.toLowerCase()),
    onTrouble: turnout.eventLog.onTrouble,
  };
}
