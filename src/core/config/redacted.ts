/**
 * The configuration as it may be shown and kept: canonical JSON in which every key and secret is `[REDACTED]`. Names that
 * stand in events anyway (ids, aliases, groups) are left as they are.
 */
import { canonicalJson, type Json } from './canonical.ts';
import type { Config, ModelConfig } from './config.ts';
import { soundsSecret } from './secret-looks.ts';
import { hideByValue, hideSecrets, REDACTED, redact, type Secrets } from './secrets.ts';

type Shown = Omit<Config, 'redacted' | 'redact' | 'hash' | 'warnings' | 'files'>;

/** `files` and derived values are left out: they are not what was configured. */
export function redactedJson(config: Shown, secrets: Secrets): string {
  const clean = (text: string): string => hideSecrets(text, secrets, redact);
  const { models, names, peerNames, apiKeys, ...rest } = config;
  return canonicalJson({
    ...(plain(rest, clean) as { [key: string]: Json }),
    models: [...models.values()].map((model) => redactModel(model, secrets)),
    peers: [...(config.peers?.values() ?? [])].map((peer) => ({
      ...(plain(peer, clean) as { [key: string]: Json }),
      apiKey: peer.apiKey === '' ? '' : REDACTED,
    })),
    apiKeys: apiKeys.map(() => REDACTED),
  });
}

function redactModel(model: ModelConfig, secrets: Secrets): Json {
  const clean = (text: string): string => hideSecrets(text, secrets, redact);
  return {
    ...(plain(model, clean) as { [key: string]: Json }),
    id: model.id,
    group: model.group,
    aliases: [...model.aliases],
    env: model.env.map(redactEnvEntry),
    useModelName: hideByValue(model.useModelName, secrets, redact),
  };
}

/** As JSON, with every text cleaned; the value behind a key that sounds secret goes too. */
function plain(value: unknown, clean: (text: string) => string): Json {
  if (typeof value === 'string') return clean(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof RegExp) return String(value);
  if (value instanceof Map) return [...value].map((entry) => plain(entry, clean));
  if (Array.isArray(value)) {
    const [key, secret] = value;
    if (value.length === 2 && typeof key === 'string' && typeof secret === 'string' && soundsSecret(key)) {
      return [key, REDACTED];
    }
    return value.map((item) => plain(item, clean));
  }
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'string' && item !== '' && soundsSecret(key) ? REDACTED : plain(item, clean),
    ]),
  );
}

/** The name stays; what is not NAME=value may be anything and goes. */
function redactEnvEntry(entry: string): string {
  const equals = entry.indexOf('=');
  return equals > 0 ? `${entry.slice(0, equals)}=${REDACTED}` : REDACTED;
}
