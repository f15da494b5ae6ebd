/**
 * What the kernel gets to know of a configuration (core/settings.ts), and the digest by which it tells whether a running
 * model is still the one that is configured.
 */
import { createHmac } from 'node:crypto';
import type { ModelSettings, Settings } from '../settings.ts';
import { canonicalJson } from './canonical.ts';
import type { Config, ModelConfig } from './config.ts';

/** `digestKey` stays in the state directory: the digest stands in the log, the command line must not be guessable. */
export function settingsOf(config: Config, digestKey: string): Settings {
  return {
    models: [...config.models.values()].map((model) => modelSettings(model, config, digestKey)),
    groups: config.groups.map((group) => ({ ...group })),
    planner: 'group',
    maxWaitMs: config.turnout.maxWaitMs,
    queueTimeoutMs: config.turnout.queueTimeoutMs,
    drainTimeoutMs: config.turnout.drainTimeoutMs,
    onTrouble: config.turnout.onTrouble,
  };
}

function modelSettings(model: ModelConfig, config: Config, digestKey: string): ModelSettings {
  return {
    id: model.id,
    group: model.group,
    concurrencyLimit: model.concurrencyLimit,
    ttlMs: model.ttlMs,
    stopGraceMs: stopGraceMs(model),
    startTimeoutMs: model.startTimeoutMs,
    minResidencyMs: model.minResidencyMs ?? config.turnout.minResidencyMs,
    priority: model.priority,
    port: model.port,
    specDigest: specDigest(model, digestKey),
  };
}

/** A `cmdStop` such as `docker stop` has a grace period of its own, which a short default would cut. */
function stopGraceMs(model: ModelConfig): number {
  return model.cmdStop !== '' && !model.unloadTimeoutSet ? model.startTimeoutMs : model.unloadTimeoutMs;
}

/** HMAC-SHA256, hex, of what starts the process, with `${PORT}` left symbolic: the port belongs to the run. */
function specDigest({ cmd, cmdStop, env, proxy, checkEndpoint }: ModelConfig, digestKey: string): string {
  return createHmac('sha256', digestKey)
    .update(canonicalJson({ cmd, cmdStop, env, proxy, checkEndpoint }))
    .digest('hex');
}
