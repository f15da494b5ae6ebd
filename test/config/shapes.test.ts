/**
 * Configurations in the shapes that people use, each beside a file that says what becomes of it: command lines, where the
 * server answers, who evicts whom. `UPDATE_GOLDEN=1` writes those files anew, to be read before they are kept.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { meaningOf } from '../../src/cli/commands/check-meaning.ts';
import type { Config, ModelConfig } from '../../src/core/config/config.ts';
import { launchFields } from '../../src/core/config/launch.ts';
import { type ConfigPaths, readConfig } from '../../src/core/config/read.ts';
import type { ModelId } from '../../src/core/ids.ts';
import { parseCommand } from '../../src/core/runtime/local/command.ts';
import { oneLine } from './helpers.ts';

const SHAPES = join(import.meta.dirname, 'shapes');
const GOLDEN = '.golden.json';

const env = {
  TURNOUT_KEY: 'sk-shape',
  OPENROUTER_KEY: 'sk-or-shape',
  HF_TOKEN: 'hf_shape',
  IDLE: '900',
  MODELS_DIR: '/mnt/models',
  NAME: 'from-env',
  QUOTED: 'say "hi" \\ there',
};

const names = readdirSync(SHAPES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() || entry.name.endsWith('.yaml'))
  .map((entry) => entry.name.replace(/\.yaml$/, ''));

const platformOf = (name: string): NodeJS.Platform => (name === 'windows' ? 'win32' : 'linux');

/** A folder is a file and a directory of more. */
function pathsOf(name: string): ConfigPaths {
  const folder = join(SHAPES, name);
  return existsSync(folder)
    ? { config: join(folder, 'config.yaml'), configDir: join(folder, 'conf.d') }
    : { config: `${folder}.yaml` };
}

async function readShape(name: string): Promise<Config> {
  const result = await readConfig(pathsOf(name), { env, platform: platformOf(name) });
  if ('config' in result) return result.config;
  throw new Error(result.errors.map(oneLine).join('\n'));
}

function modelShape(model: ModelConfig, platform: NodeJS.Platform) {
  const { cmd, cmdStop, env: lines, proxy } = launchFields(model, model.port);
  return {
    argv: parseCommand(cmd, platform),
    cmdStop: cmdStop === '' ? null : parseCommand(cmdStop, platform),
    env: lines,
    proxy,
    port: model.port,
    checkEndpoint: model.checkEndpoint,
    aliases: model.aliases,
    ttlSeconds: model.ttlMs / 1_000,
    unloadTimeoutSeconds: model.unloadTimeoutMs / 1_000,
    group: model.group,
    priority: model.priority,
    ...(model.memory === null ? {} : { memory: model.memory }),
    ...(model.keepWarm?.length === 0 ? {} : { keepWarm: model.keepWarm }),
    ...(model.onDemand?.action === 'load' ? {} : { onDemand: model.onDemand }),
  };
}

/** What stands in the file of the planner; nothing for a file of llama-swap's. */
function plannerShape({ planner, fallback, devices, protect, whenIdle, memoryWaitMs }: Config['turnout']) {
  if (devices?.size === 0) return planner === 'group' ? {} : { planner };
  return { planner, fallback, devices: Object.fromEntries(devices ?? []), protect, whenIdle, memoryWaitMs };
}

/**
 * What a golden file holds. `evicts`: those of the others that leave when they run and this one is asked for, `mayEvict`:
 * those of which some do.
 */
function shapeOf(config: Config, platform: NodeJS.Platform) {
  const evictions = new Map(meaningOf(config).evictions.map((eviction) => [eviction.model, eviction]));
  const leaving = (id: ModelId) => {
    const { evicts = [], mayEvict = [] } = evictions.get(id) ?? {};
    return mayEvict.length === 0 ? { evicts } : { evicts, mayEvict };
  };
  return {
    ...plannerShape(config.turnout),
    models: Object.fromEntries(
      [...config.models.values()].map((model) => [model.id, { ...modelShape(model, platform), ...leaving(model.id) }]),
    ),
    names: Object.fromEntries(config.names),
    preload: config.preload,
    apiKeys: config.apiKeys,
    selectors: [...(config.selectors?.values() ?? [])].map(({ id, strategy, targets }) => ({ id, strategy, targets })),
    profiles: [...(config.profiles?.values() ?? [])].map(({ id, pins }) => ({ id, pins: Object.fromEntries(pins) })),
    peerNames: [...(config.peerNames?.keys() ?? [])],
  };
}

describe('a configuration in the shape of', () => {
  it.each(names)('%s means what its golden file says', async (name) => {
    const shape = shapeOf(await readShape(name), platformOf(name));
    const file = join(SHAPES, `${name}${GOLDEN}`);
    const text = `${JSON.stringify(shape, null, 2)}\n`;
    if (process.env.UPDATE_GOLDEN === '1' && process.env.CI === undefined) writeFileSync(file, text);
    expect(shape).toEqual(JSON.parse(readFileSync(file, 'utf8')));
    // models, names and evictions are told in an order too
    expect(text.replaceAll(/\s/g, '')).toBe(readFileSync(file, 'utf8').replaceAll(/\s/g, ''));
  });

  it('a golden file is still there', () => {
    const golden = readdirSync(SHAPES).filter((name) => name.endsWith(GOLDEN));
    expect(golden.map((name) => name.slice(0, -GOLDEN.length)).sort()).toEqual([...names].sort());
  });

  it.each(names)('%s is read by llama-swap too', async (name) => {
    const result = await readConfig(pathsOf(name), { env, reader: 'llama-swap' });
    expect('errors' in result ? result.errors.map(oneLine) : []).toEqual([]);
  });
});
