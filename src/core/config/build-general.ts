/** The parts of the top level that concern neither models nor routing (spec 2.2): log lines, records, the pass-through. */
import type { ModelId } from '../ids.ts';
import type { Config } from './config.ts';
import { describe } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { translateRe2 } from './re2.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';
import { goDurationMs } from './units.ts';

type General = Required<
  Pick<
    Config,
    | 'logLevel'
    | 'logTimeFormat'
    | 'logToStdout'
    | 'metricsMaxInMemory'
    | 'captureBufferBytes'
    | 'store'
    | 'uiSessionHeaders'
    | 'performance'
    | 'includeAliasesInList'
    | 'ignorePaths'
  >
>;

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Names of Go's time layouts. */
const TIME_FORMATS = [
  'ansic',
  'unixdate',
  'rubydate',
  'rfc822',
  'rfc822z',
  'rfc850',
  'rfc1123',
  'rfc1123z',
  'rfc3339',
  'rfc3339nano',
  'kitchen',
  'stamp',
  'stampmilli',
  'stampmicro',
  'stampnano',
];

const METRICS_DEFAULT = 1000;
const PERFORMANCE_EVERY_MS = 5_000;

/** What is wrong with the file of the activity, or null; asked of the disk by whoever may. */
export type StoreCheck = (path: string) => string | null;

export function buildGeneral(raw: RawConfig, root: TreeNode, storeCheck: StoreCheck, report: Report): General {
  return {
    logLevel: logLevel(raw, root, report),
    logTimeFormat: logTimeFormat(raw, root, report),
    logToStdout: raw.logToStdout,
    metricsMaxInMemory: raw.metricsMaxInMemory > 0 ? raw.metricsMaxInMemory : METRICS_DEFAULT,
    captureBufferBytes: Math.max(raw.captureBuffer, 0) * 1024 * 1024,
    store: store(raw, root, storeCheck, report),
    uiSessionHeaders: sessionHeaders(raw.ui.activity.session_id),
    performance: { disabled: raw.performance.disabled, everyMs: performanceEvery(raw, root, report) },
    includeAliasesInList: raw.includeAliasesInList,
    ignorePaths: ignorePaths(raw, root, report),
  };
}

/** Anything else behaves as info (spec 2.2). */
function logLevel(raw: RawConfig, root: TreeNode, report: Report): Config['logLevel'] {
  const wanted = raw.logLevel.trim().toLowerCase();
  const level = LOG_LEVELS.find((known) => known === wanted);
  if (level !== undefined) return level;
  const path: Path = ['logLevel'];
  const message = `logLevel: expected one of ${LOG_LEVELS.join(', ')}, got ${describe(nodeAt(root, path))}; info is used`;
  report.warning('log-level', placeAt(root, path), message, () => didYouMean(wanted, LOG_LEVELS));
  return 'info';
}

/** Anything else means no times (spec 2.2). */
function logTimeFormat(raw: RawConfig, root: TreeNode, report: Report): string {
  const wanted = raw.logTimeFormat.trim().toLowerCase();
  if (wanted === '' || TIME_FORMATS.includes(wanted)) return wanted;
  const path: Path = ['logTimeFormat'];
  const message = `logTimeFormat: unknown format ${describe(nodeAt(root, path))}; no times are written`;
  const help = () => didYouMean(wanted, TIME_FORMATS) ?? `known are ${TIME_FORMATS.join(', ')}`;
  report.warning('log-time-format', placeAt(root, path), message, help);
  return '';
}

function store(raw: RawConfig, root: TreeNode, storeCheck: StoreCheck, report: Report): { path: string } | null {
  if (raw.store === undefined) return null;
  const path = raw.store.path.trim();
  const problem = storeCheck(path);
  if (problem !== null) report.error('store', placeAt(root, ['store', 'path']), `store.path "${path}" ${problem}`);
  return { path };
}

/** Trimmed, without blanks, the first spelling of each (spec 2.2). */
function sessionHeaders(written: string[]): string[] {
  const headers = new Map<string, string>();
  for (const name of written.map((header) => header.trim())) {
    if (name !== '' && !headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), name);
  }
  return [...headers.values()];
}

function performanceEvery(raw: RawConfig, root: TreeNode, report: Report): number {
  const ms = goDurationMs(raw.performance.every);
  if (ms === 0) return PERFORMANCE_EVERY_MS;
  if (ms < PERFORMANCE_EVERY_MS) {
    const message = `performance: every must be at least 5s, got ${raw.performance.every}`;
    report.error('invalid-value', placeAt(root, ['performance', 'every']), message);
  }
  return ms;
}

/** An empty list means none here, where llama-swap takes its default. */
function ignorePaths(raw: RawConfig, root: TreeNode, report: Report): RegExp[] {
  return raw.upstream.ignorePaths.flatMap((text, i) => {
    const translated = translateRe2(text);
    if ('pattern' in translated) return [translated.pattern];
    const at = placeAt(root, ['upstream', 'ignorePaths', i]);
    const message = `upstream.ignorePaths: invalid regular expression "${text}"`;
    report.error('invalid-value', at, message, translated.problem);
    return [];
  });
}

/** Aliases count; names that no model has are left out (spec 2.2). */
export function preload(raw: RawConfig, root: TreeNode, names: Map<string, ModelId>, report: Report): ModelId[] {
  const path: Path = ['hooks', 'on_startup', 'preload'];
  const models: ModelId[] = [];
  raw.hooks.on_startup.preload.forEach((written, i) => {
    const name = written.trim();
    if (name === '') return;
    const id = names.get(name);
    if (id !== undefined) models.push(id);
    else {
      const message = `${pathText(path)}: unknown model "${name}" is not loaded`;
      report.warning('unknown-model', placeAt(root, [...path, i]), message, () => didYouMean(name, names.keys()));
    }
  });
  return models;
}
