/**
 * The bounds of the log, which tests may lower. Must never hold a figure of its own: those stand in limits.ts.
 */
import { LIMITS } from '../limits.ts';

export type LogLimits = { readonly [K in keyof typeof LIMITS as K extends `log${string}` ? K : never]: number };

/** The limits of the log, some of them replaced. */
export const logLimits = (replaced: Partial<LogLimits> = {}): LogLimits => ({ ...LIMITS, ...replaced });
