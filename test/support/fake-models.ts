/** Configurations of fake models, as a user would write them. */
import { fileURLToPath } from 'node:url';

/** Built: it starts a third faster than the sources, some thousand times. */
const FAKE = fileURLToPath(new URL('../../dist/cli/fake-model/main.js', import.meta.url));

export interface FakeModelSpec {
  /** Switches of the fake model, e.g. `--load-ms 50`. */
  flags?: string;
  /** Further lines of the model's block, e.g. `ttl: 1`. */
  more?: string[];
}

/** The command that starts a fake model on `${PORT}`. */
export function fakeCommand(id: string, flags = ''): string {
  return `'${process.execPath}' '${FAKE}' --port \${PORT} --model '${id}' ${flags}`.trim();
}

/** A config with these models; they are one swap group by default. */
export function fakeConfig(startPort: number, models: Record<string, FakeModelSpec>, tail = ''): string {
  const blocks = Object.entries(models).map(([id, { flags, more = [] }]) => {
    const lines = [`cmd: ${JSON.stringify(fakeCommand(id, flags))}`, 'proxy: "http://127.0.0.1:${PORT}"', ...more];
    return `  ${JSON.stringify(id)}:\n${lines.map((line) => `    ${line}`).join('\n')}`;
  });
  return `startPort: ${startPort}\nlogToStdout: proxy\nmodels:\n${blocks.join('\n')}\n${tail}\n`;
}
