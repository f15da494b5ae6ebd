/** The launch fields of a model for one run: `${PORT}` replaced by the port of that run. `${PID}` is left alone. */
import type { ModelConfig } from './config.ts';
import { PORT } from './ports.ts';

export interface LaunchFields {
  cmd: string;
  cmdStop: string;
  env: string[];
  proxy: string;
}

/** `port` is null for a model whose `cmd` does not use `${PORT}`; then nothing else does either. */
export function launchFields(model: ModelConfig, port: number | null): LaunchFields {
  const withPort = (text: string): string => (port === null ? text : text.replaceAll(PORT, String(port)));
  return {
    cmd: withPort(model.cmd),
    cmdStop: withPort(model.cmdStop),
    env: model.env.map(withPort),
    proxy: withPort(model.proxy),
  };
}
