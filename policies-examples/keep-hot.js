// "The usual, but keep my coding model hot" (llama-swap #749, llama.cpp #18153): whoever needs its place waits for it, but
// not beyond maxWait. What is usual is the fallback of the configuration.
import { definePolicy } from 'turnout/policy';
export default definePolicy({
  name: 'keep-hot',
  apiVersion: 1,
  options: { keep: { type: 'model[]' } },
  plan: ({ options }) => ({ action: 'delegate', protect: [...options.keep] }),
});
