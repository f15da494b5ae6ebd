/**
 * The models of the raw configuration as turnout uses them: defaults of the whole file applied, units converted, names
 * resolved (spec 2.4, 2.5).
 */
import type { ModelId } from '../ids.ts';
import { modelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { buildFilters, jsonMap } from './build-filters.ts';
import { memoryOf } from './build-memory.ts';
import { buildKeepWarm } from './build-residents.ts';
import type { ModelConfig, UpstreamTimeouts } from './config.ts';
import { DEFAULT_PROXY, isHttpUrl, PORT } from './ports.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import type { RawModel, RawTimeouts } from './schema-model.ts';
import { isNull, keyPlaceAt, nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';
import { durationMs } from './units.ts';

/** Backs `/comfyui/`, whose page sends many requests at once (spec 2.4). */
const COMFYUI = 'comfyui_auto';
const COMFYUI_CONCURRENCY = 50;

/** How a process and all that it started is stopped on Windows, which knows no signals (spec 2.4). */
const WINDOWS_STOP = 'taskkill /f /t /pid ${PID}';

/** Group and priority are filled in by build-routing.ts, `onDemand` by build-residents.ts. `platform` is where the models run. */
export function buildModels(
  raw: RawConfig,
  root: TreeNode,
  ids: Iterable<string>,
  ports: Map<string, number>,
  platform: NodeJS.Platform,
  report: Report,
): Map<ModelId, ModelConfig> {
  const startTimeoutMs = startTimeout(raw, root, report);
  const sharedMemory = memoryOf(raw.turnout.memory);
  const models = new Map<ModelId, ModelConfig>();
  for (const id of ids) {
    const model = raw.models[id];
    if (model === undefined) continue;
    const port = ports.get(id) ?? null;
    checkCommand(id, model, root, report);
    checkEnv(id, model, root, report);
    const path: Path = ['models', id];
    models.set(modelId(id), {
      id: modelId(id),
      cmd: model.cmd,
      cmdStop: cmdStopOf(id, model, platform, root),
      proxy: proxyOf(id, model, port, root, report),
      checkEndpoint: model.checkEndpoint.trim() === 'none' ? null : model.checkEndpoint,
      env: model.env.filter((entry) => entry !== ''),
      port,
      aliases: model.aliases.filter((alias) => alias !== ''), // those of filters are added by build-names.ts
      useModelName: model.useModelName,
      unlisted: model.unlisted,
      name: model.name,
      description: model.description,
      concurrencyLimit: concurrency(id, model),
      ttlMs: (model.ttl === -1 ? raw.globalTTL : model.ttl) * 1_000,
      unloadTimeoutMs: (model.unloadTimeout || raw.unloadTimeout) * 1_000 || LIMITS.unloadTimeoutMs,
      unloadTimeoutSet: (model.unloadTimeout || raw.unloadTimeout) > 0,
      startTimeoutMs,
      timeouts: timeoutsOf(model.timeouts, [...path, 'timeouts'], root, report),
      group: '',
      priority: 0,
      minResidencyMs: model.turnout.minResidency === undefined ? null : durationMs(model.turnout.minResidency),
      filters: buildFilters(model.filters, [...path, 'filters'], root, report),
      capabilities: model.capabilities,
      metadata: model.metadata === undefined ? null : jsonMap(model.metadata, [...path, 'metadata'], root, report),
      sendLoadingState: model.sendLoadingState ?? raw.sendLoadingState,
      ignoreWebsockets: id === COMFYUI || model.compat.ignoreWebsockets,
      memory: model.turnout.memory === undefined ? sharedMemory : memoryOf(model.turnout.memory),
      tags: [...new Set(model.turnout.tags)],
      keepWarm: buildKeepWarm(model, path, root, report),
      onDemand: { action: 'load' },
    });
  }
  return models;
}

/** An empty text that was written stays one. */
function cmdStopOf(id: string, model: RawModel, platform: NodeJS.Platform, root: TreeNode): string {
  const node = nodeAt(root, ['models', id, 'cmdStop']);
  return platform === 'win32' && (node === undefined || isNull(node)) ? WINDOWS_STOP : model.cmdStop;
}

function startTimeout(raw: RawConfig, root: TreeNode, report: Report): number {
  const wanted = raw.healthCheckTimeout * 1_000;
  if (wanted >= LIMITS.healthCheckTimeoutMinMs) return wanted;
  const least = LIMITS.healthCheckTimeoutMinMs / 1_000;
  const message = `healthCheckTimeout is raised from ${raw.healthCheckTimeout} to ${least} seconds, the least there is`;
  report.warning('raised', placeAt(root, ['healthCheckTimeout']), message);
  return LIMITS.healthCheckTimeoutMinMs;
}

function checkCommand(id: string, model: RawModel, root: TreeNode, report: Report): void {
  const words = model.cmd.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  if (words.join('').trim() !== '') return;
  report.warning('empty-cmd', keyPlaceAt(root, ['models', id]), `model ${id}: cmd is empty, so it cannot be started`);
}

/** The value may be a secret, so it is not repeated. */
function checkEnv(id: string, model: RawModel, root: TreeNode, report: Report): void {
  model.env.forEach((entry, i) => {
    if (entry.indexOf('=') > 0) return;
    report.warning('env-entry', placeAt(root, ['models', id, 'env', i]), `model ${id}: env[${i}] is not NAME=value`);
  });
}

function proxyOf(id: string, model: RawModel, port: number | null, root: TreeNode, report: Report): string {
  const proxy = model.proxy ?? DEFAULT_PROXY;
  // the port rule has its own message
  if (port === null && proxy.includes(PORT)) return proxy;
  if (!isHttpUrl(proxy.replaceAll(PORT, String(port)))) {
    const at = placeAt(root, ['models', id, 'proxy']);
    report.error(
      'invalid-url',
      at,
      `model ${id}: invalid proxy URL "${proxy}"`,
      'expected http://host:port or https://host:port',
    );
  }
  return proxy;
}

function concurrency(id: string, model: RawModel): number {
  const limit = model.concurrencyLimit > 0 ? model.concurrencyLimit : LIMITS.concurrencyDefault;
  return id === COMFYUI ? Math.max(limit, COMFYUI_CONCURRENCY) : limit;
}

/** Below 0 there is no limit, as for 0. `path` is where they stand. */
export function timeoutsOf(timeouts: RawTimeouts, path: Path, root: TreeNode, report: Report): UpstreamTimeouts {
  const ms = (key: keyof RawTimeouts): number => {
    if (timeouts[key] >= 0) return timeouts[key] * 1_000;
    const at: Path = [...path, key];
    report.warning('negative', placeAt(root, at), `${pathText(at)} is below 0, so there is no limit`, 'write 0');
    return 0;
  };
  return {
    connectMs: ms('connect'),
    keepAliveMs: ms('keepalive'),
    responseHeaderMs: ms('responseHeader'),
    tlsHandshakeMs: ms('tlsHandshake'),
    expectContinueMs: ms('expectContinue'),
    idleConnMs: ms('idleConn'),
  };
}
