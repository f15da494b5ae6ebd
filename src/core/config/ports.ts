/**
 * `${PORT}`: the next free number from `startPort` for each model whose `cmd` uses it, in the order of the sorted ids
 * (spec 2.3). A counter and no more: whether the port is free is found out when the model starts.
 */
import { LIMITS } from '../limits.ts';
import type { Budget } from './budget.ts';
import { expandFilters, expandNode } from './expand-node.ts';
import { macroList } from './macros.ts';
import type { Report } from './report.ts';
import { childOf, type MapEntry, mapNode, type TreeNode } from './tree.ts';

export const PORT = `\${PORT}`;
export const DEFAULT_PROXY = `http://localhost:${PORT}`;
const PORT_MAX = 65_535;

/** These keep `${PORT}` as it is: a changed port alone must not make a running model look changed. */
const SYMBOLIC = new Set(['cmd', 'cmdStop', 'proxy', 'env', 'macros']);

/** Fills `ports` and gives back the models with `${PORT}` replaced where it is not kept. */
export function givePorts(
  models: Map<string, MapEntry>,
  startPort: TreeNode | undefined,
  ports: Map<string, number>,
  budget: Budget,
  report: Report,
): Map<string, MapEntry> {
  const wanted = startPort?.kind === 'scalar' ? startPort.value : null;
  let next = typeof wanted === 'number' && Number.isInteger(wanted) && wanted > 0 ? wanted : LIMITS.portStart;
  for (const id of sortedIds(models)) {
    const entry = models.get(id);
    if (entry === undefined) continue;
    const cmd = childOf(entry.value, 'cmd');
    if (cmd?.kind !== 'scalar' || typeof cmd.value !== 'string' || !cmd.value.includes(PORT)) {
      checkPortRule(id, entry, report);
      continue;
    }
    if (next > PORT_MAX) {
      report.error(
        'port-range',
        entry.at,
        `model ${id}: no port is left, ${PORT_MAX} is the last one`,
        'lower startPort',
      );
      break;
    }
    ports.set(id, next);
    next += 1;
  }
  const replaced = new Map<string, MapEntry>();
  for (const [id, entry] of models) {
    const port = ports.get(id);
    replaced.set(id, port === undefined ? entry : { ...entry, value: withPort(id, entry.value, port, budget, report) });
  }
  return replaced;
}

function checkPortRule(id: string, entry: MapEntry, report: Report): void {
  // one that is no mapping has its own message; llama-swap takes one with nothing behind it, which has nothing to start
  if (entry.value.kind !== 'map') return;
  const proxy = childOf(entry.value, 'proxy');
  const text = proxy?.kind === 'scalar' && proxy.value !== null ? proxy.text : DEFAULT_PROXY;
  if (!text.includes(PORT)) return;
  const at =
    proxy?.kind === 'scalar' && proxy.value !== null ? proxy.at : (childOf(entry.value, 'cmd')?.at ?? entry.at);
  report.error(
    'port-rule',
    at,
    `model ${id}: proxy uses ${PORT} but cmd does not - ${PORT} is only available when used in cmd`,
    `use ${PORT} in cmd, or set proxy to the address where the server answers`,
  );
}

function withPort(id: string, model: TreeNode, port: number, budget: Budget, report: Report): TreeNode {
  if (model.kind !== 'map') return model;
  const macros = macroList(new Map([['PORT', port]]));
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of model.entries) {
    if (SYMBOLIC.has(key)) {
      entries.set(key, entry);
      continue;
    }
    const value = expandNode(entry.value, macros, budget);
    entries.set(key, { ...entry, value: key === 'filters' ? expandFilters(id, value, macros, budget, report) : value });
  }
  return mapNode(entries, model.at);
}

/** Whether this is the address of an HTTP server. */
export function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '';
}

/** By the bytes of their UTF-8, as llama-swap sorts. */
export function sortedIds(models: Map<string, unknown>): string[] {
  return [...models.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
