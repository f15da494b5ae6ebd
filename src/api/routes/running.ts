/**
 * `GET /running` (spec 3.7): every model with a live process, sorted, with the command as it was started. Values that the
 * configuration's redaction hides are hidden here too.
 */
import type { Config, ModelConfig } from '../../core/config/config.ts';
import { soundsSecret } from '../../core/config/secret-looks.ts';
import { hideSecrets, redact, secretsOf } from '../../core/config/secrets.ts';
import type { Run } from '../../core/state.ts';
import type { ApiContext, App } from '../context.ts';

export function running(app: App, ctx: ApiContext): void {
  const { router } = app;
  const config = router.config();
  const rows = [];
  for (const { id, run } of router.state().models.values()) {
    if (run !== null) rows.push(rowOf(id, run, config.models.get(id), config));
  }
  ctx.body = { running: rows.sort((a, b) => (a.model < b.model ? -1 : 1)) };
}

/** A model that left the configuration has only what its run knows. */
function rowOf(id: string, run: Run, model: ModelConfig | undefined, config: Config) {
  const filled = (text: string): string => (run.port === null ? text : text.replaceAll(PORT, String(run.port)));
  return {
    model: id,
    state: run.phase,
    cmd: model === undefined ? '' : filled(commandOf(config, model)),
    proxy: filled(model?.proxy ?? (run.phase === 'ready' ? run.baseUrl : '')),
    ttl: Math.round((model?.ttlMs ?? 0) / 1_000),
    name: model?.name ?? '',
    description: model?.description ?? '',
  };
}

/** The macro of the configuration, which the run's port replaces. */
const PORT = '${PORT}';

/** The command as the redacted configuration has it, which knows more secrets than the keys and the environment. */
function commandOf(config: Config, model: ModelConfig): string {
  return redactedCommands(config)[model.id] ?? hideSecrets(model.cmd, secretsOf(knownSecrets(config, model)), redact);
}

function knownSecrets(config: Config, model: ModelConfig): string[] {
  const values = model.env.flatMap((entry) => {
    const equals = entry.indexOf('=');
    return equals > 0 && soundsSecret(entry.slice(0, equals)) ? [entry.slice(equals + 1)] : [];
  });
  return [...config.apiKeys, ...values];
}

const COMMANDS = new WeakMap<Config, Record<string, string>>();

function redactedCommands(config: Config): Record<string, string> {
  let commands = COMMANDS.get(config);
  if (commands === undefined) {
    commands = readCommands(JSON.parse(config.redacted));
    COMMANDS.set(config, commands);
  }
  return commands;
}

function readCommands(redacted: unknown): Record<string, string> {
  const commands: Record<string, string> = Object.create(null);
  const { models } = (redacted ?? {}) as { models?: { id?: unknown; cmd?: unknown }[] };
  for (const { id, cmd } of models ?? []) {
    if (typeof id === 'string' && typeof cmd === 'string') commands[id] = cmd;
  }
  return commands;
}
