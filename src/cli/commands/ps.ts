/** `turnout ps`: what every model, waiting request, swap and device is doing now. */
import { needServer, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';
import { type Ps, psText } from './ps-text.ts';

export async function ps(options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const now = await requestJson<Ps>(url, '/api/ps');
  if (options.json === true) printJson(now);
  else print(psText(now, Date.now()));
}
