/**
 * `turnout doctor`: looks at whatever a start needs and says what to do where something is wrong. Starts, writes and
 * changes nothing. Exit code 1 when something would fail.
 */
import { styleText } from 'node:util';
import type { Config } from '../../core/config/config.ts';
import { readConfig } from '../../core/config/read.ts';
import { runningInstances } from '../instance.ts';
import { print, printJson } from '../output.ts';
import { stateDirOf } from '../state-dir.ts';
import { checkDevices } from './doctor-devices.ts';
import { type Finding, failed, ok, warned } from './doctor-finding.ts';
import { checkListen, checkModelPorts } from './doctor-ports.ts';
import { checkModelFiles, checkPrograms } from './doctor-programs.ts';
import { checkLog, checkNativeParts, checkNode, checkStateDir } from './doctor-state.ts';

interface DoctorOptions {
  config?: string;
  configDir?: string;
  stateDir?: string;
  listen?: string;
  json?: boolean;
}

export async function doctor(options: DoctorOptions): Promise<void> {
  const findings = await examine(options);
  if (options.json === true) printJson({ ok: !findings.some(isFailure), findings });
  else print(findings.map(lineOf).join('\n'));
  if (findings.some(isFailure)) process.exitCode = 1;
}

const isFailure = ({ level }: Finding): boolean => level === 'fail';

async function examine(options: DoctorOptions): Promise<Finding[]> {
  const listen = options.listen ?? ':8080';
  const port = /:(\d+)$/.exec(listen)?.[1] ?? '8080';
  const named = options.stateDir !== undefined || (process.env.TURNOUT_STATE_DIR ?? '') !== '';
  const stateDir = stateDirOf(options.stateDir, port);
  const { found: running } = await runningInstances(stateDir);
  const native = await checkNativeParts();
  const findings = [checkNode(process.versions.node), native, checkStateDir(stateDir, named)];
  if (native.level === 'ok') findings.push(await checkLog(stateDir));
  const read = await readNamed(options);
  findings.push(await checkListen(listen, running), ...(await examineConfig(options, read, running)));
  const devices = read !== null && 'config' in read ? (read.config.turnout.devices ?? null) : null;
  findings.push(...(await checkDevices(devices)));
  return findings;
}

type Read = Awaited<ReturnType<typeof readConfig>>;

/** Null when no configuration is named. */
async function readNamed({ config, configDir }: DoctorOptions): Promise<Read | null> {
  return config === undefined && configDir === undefined ? null : readConfig({ config, configDir });
}

async function examineConfig(
  { config, configDir }: DoctorOptions,
  result: Read | null,
  running: Parameters<typeof checkModelPorts>[1],
): Promise<Finding[]> {
  if (result === null) return [];
  const name = [config, configDir].filter((path) => path !== undefined).join(' and ');
  const what = `configuration ${name}`;
  if ('errors' in result) {
    const [first] = result.errors;
    const where = first === undefined || first.line === 0 ? '' : ` in line ${first.line}`;
    const found = `${result.errors.length} errors, the first${where}: ${first?.message ?? ''}`;
    return [
      failed(
        what,
        found,
        `turnout check ${configDir === undefined ? '' : `--config-dir ${configDir} `}${config ?? ''}`,
      ),
    ];
  }
  const path = process.env.PATH ?? '';
  return [
    configFinding(what, result.config, config),
    ...(await checkModelPorts(result.config, running)),
    ...checkPrograms(result.config, path),
    ...checkModelFiles(result.config),
  ];
}

function configFinding(what: string, { warnings, models }: Config, file: string | undefined): Finding {
  const found = `${models.size} models`;
  if (warnings.length === 0) return ok(what, found);
  return warned(what, `${found}, ${warnings.length} warnings`, `turnout check ${file ?? ''}`.trimEnd());
}

const COLOUR = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function lineOf({ level, what, found, remedy }: Finding): string {
  const colour = process.stdout.hasColors?.() ?? false;
  const mark = level.padEnd(4);
  const line = `${colour ? styleText(COLOUR[level], mark, { validateStream: false }) : mark}  ${what}: ${found}`;
  return remedy === null ? line : `${line}\n      remedy: ${remedy}`;
}
