/** Ports, as `turnout doctor` sees them: its own is tried by listening, those of models by connecting. */
import { parseHostPort } from '../../api/listen.ts';
import type { Config } from '../../core/config/config.ts';
import { launchFields } from '../../core/config/launch.ts';
import { firstAccepting, loopbackEndpoints, portInUse } from '../../core/runtime/local/port.ts';
import { listenProblem } from '../free-ports.ts';
import type { Instance } from '../instance.ts';
import { type Finding, failed, ok, reasonOf, warned } from './doctor-finding.ts';

/** `running`: turnouts that hold ports by right. */
export async function checkListen(listen: string, running: readonly Instance[]): Promise<Finding> {
  const what = `listen ${listen}`;
  const { host, port } = parseHostPort(listen);
  const problem = await listenProblem(host, port);
  if (problem === null) return ok(what, 'free');
  const owner = running.find(({ url }) => port !== 0 && Number(new URL(url).port) === port);
  if (owner !== undefined) return ok(what, `used by the turnout with process id ${owner.pid}`);
  return failed(what, reasonOf(problem), 'stop what uses it, or choose another with --listen');
}

/** One line when all are free, else one for each that is not. */
export async function checkModelPorts(config: Config, running: readonly Instance[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  let free = 0;
  for (const model of config.models.values()) {
    const { proxy } = launchFields(model, model.port);
    const endpoints = loopbackEndpoints(proxy);
    if (endpoints.length === 0) continue;
    const taken = await firstAccepting(endpoints);
    if (taken === null) {
      free += 1;
      continue;
    }
    const what = `port of ${model.id}`;
    const found = await portInUse(taken);
    if (running.length > 0) {
      findings.push(warned(what, found, 'nothing to do if it is the model itself: a turnout is running'));
    } else findings.push(failed(what, found, 'stop what uses it, or change startPort or proxy'));
  }
  return free === 0 ? findings : [ok('ports of models', `${free} free`), ...findings];
}
