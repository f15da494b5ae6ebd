/** The View as JSON for a policy host: what does not depend on the target is written once per view of the loop. */
import type { SharedView, View } from '../view.ts';

export interface ViewWriter {
  /** For `plan`. */
  forTarget(view: View): string;
  /** For `rank` and `idle`, which are about no target. */
  shared(view: SharedView): string;
}

export function createViewWriter(): ViewWriter {
  let models: SharedView['models'] | null = null;
  let text = '';

  function shared(view: SharedView): string {
    // One list of models stands for one view of the loop: views for other targets share it.
    if (view.models !== models) {
      models = view.models;
      text = JSON.stringify(view);
    }
    return text;
  }

  return {
    shared,
    forTarget({ target, asking, candidates, ...rest }) {
      const own = JSON.stringify({ target, asking, candidates });
      return `${shared(rest).slice(0, -1)},${own.slice(1)}`;
    },
  };
}
