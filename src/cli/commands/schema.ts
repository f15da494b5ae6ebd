/** `turnout schema`: the JSON Schema of the configuration, for editors. */
import { configJsonSchema } from '../../core/config/json-schema.ts';
import { printJson } from '../output.ts';

export function schema(): void {
  printJson(configJsonSchema());
}
