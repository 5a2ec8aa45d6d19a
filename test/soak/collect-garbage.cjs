/**
 * Loaded into a replica before its program: at SIGUSR2 V8 collects all garbage, so that what is left is what is held. The
 * flag that gives access to the collector is set only then, since V8 refuses bytecode that was cached under other flags.
 */
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

let collect;

process.on('SIGUSR2', () => {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc');
    setFlagsFromString('--no-expose-gc');
  }
  // What the first round's finalisers release, the second one frees.
  collect();
  collect();
});
