/**
 * The configuration as it may be shown and kept: canonical JSON in which every key and secret is `[REDACTED]`. Names that
 * stand in events anyway (ids, aliases, groups) are left as they are.
 */
import { canonicalJson, type Json } from './canonical.ts';
import type { Config, ModelConfig } from './config.ts';
import { hideByValue, hideSecrets, REDACTED, redact, type Secrets } from './secrets.ts';

type Shown = Omit<Config, 'redacted' | 'redact' | 'hash' | 'warnings' | 'files' | 'names' | 'models'> & {
  models: ModelConfig[];
};

/** `files` and derived values are left out: they are not what was configured. */
export function redactedJson(config: Shown, secrets: Secrets): string {
  return canonicalJson({
    models: config.models.map((model) => redactModel(model, secrets)),
    groups: config.groups.map((group) => ({ ...group })),
    logLevel: config.logLevel,
    logToStdout: config.logToStdout,
    preload: config.preload,
    apiKeys: config.apiKeys.map(() => REDACTED),
    turnout: { ...config.turnout },
  });
}

function redactModel(model: ModelConfig, secrets: Secrets): Json {
  const clean = (text: string): string => hideSecrets(text, secrets, redact);
  return {
    ...model,
    cmd: clean(model.cmd),
    cmdStop: clean(model.cmdStop),
    proxy: clean(model.proxy),
    checkEndpoint: model.checkEndpoint === null ? null : clean(model.checkEndpoint),
    env: model.env.map(redactEnvEntry),
    useModelName: hideByValue(model.useModelName, secrets, redact),
    name: clean(model.name),
    description: clean(model.description),
    timeouts: { ...model.timeouts },
  };
}

/** The name stays; what is not NAME=value may be anything and goes. */
function redactEnvEntry(entry: string): string {
  const equals = entry.indexOf('=');
  return equals > 0 ? `${entry.slice(0, equals)}=${REDACTED}` : REDACTED;
}
