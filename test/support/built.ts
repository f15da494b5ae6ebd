/** Tests start turnout as users have it: built from the sources as they are now. */
export { build as setup } from '../../scripts/build.ts';
