/**
 * What the kernel gets to know of a configuration (core/settings.ts), and the digest by which it tells whether a running
 * model is still the one that is configured.
 */
import { createHmac } from 'node:crypto';
import { modelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { MatrixSettings, ModelSettings, SetExpression, Settings } from '../settings.ts';
import { canonicalJson } from './canonical.ts';
import type { Config, MatrixConfig, ModelConfig } from './config.ts';
import type { Expression } from './matrix-expression.ts';
import { zoneOf } from './zone.ts';

/** `digestKey` stays in the state directory: the digest stands in the log, the command line must not be guessable. */
export function settingsOf(config: Config, digestKey: string): Settings {
  const { turnout } = config;
  const planner = turnout.planner ?? 'group';
  return {
    models: [...config.models.values()].map((model) => modelSettings(model, config, digestKey)),
    groups: config.groups.map((group) => ({ ...group })),
    planner,
    fallback: planner === 'policy' ? (turnout.fallback ?? 'group') : planner,
    matrix: config.matrix == null ? null : matrixSettings(config.matrix),
    devices: [...(turnout.devices ?? [])].map(([id, bytes]) => ({ id, bytes })),
    memoryWaitMs: turnout.memoryWaitMs ?? LIMITS.memoryWaitMs,
    protect: turnout.protect ?? { models: [], otherwise: 'queue' },
    whenIdle: turnout.whenIdle ?? null,
    zone: zoneOf(turnout.timeZone ?? null),
    clientPriority: turnout.clientPriority ?? {},
    antiThrash: turnout.antiThrash ?? true,
    maxWaitMs: turnout.maxWaitMs,
    queueTimeoutMs: turnout.queueTimeoutMs,
    drainTimeoutMs: turnout.drainTimeoutMs,
    onTrouble: turnout.onTrouble,
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
    memory: model.memory ?? null,
    tags: model.tags ?? [],
    context: model.capabilities?.context ?? 0,
    keepWarm: model.keepWarm ?? [],
    onDemand: model.onDemand ?? { action: 'load' },
  };
}

/** Names become models: a var shadows a model of the same name (spec 2.7). */
function matrixSettings({ vars, evictCosts, sets }: MatrixConfig): MatrixSettings {
  const resolve = (expression: Expression): SetExpression => {
    if (expression.kind === 'name') {
      return { kind: 'model', id: vars.get(expression.name) ?? modelId(expression.name) };
    }
    if (expression.kind === 'set') return { kind: 'set', name: expression.name };
    return { kind: expression.kind, parts: expression.parts.map(resolve) };
  };
  return {
    sets: sets.map(({ name, text, expression }) => ({ name, text, expression: resolve(expression) })),
    evictCosts: Object.fromEntries(evictCosts),
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
