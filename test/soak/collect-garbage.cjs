/**
 * Loaded into a replica before its program: at SIGUSR2 V8 collects all garbage, so that what is left is what is held, and
 * says how much of that is objects, and how much code: V8 compiles a function when it has run often enough, which for rare
 * paths takes hours. The flag that gives access to the collector is set only then, since V8 refuses bytecode that was cached
 * under other flags.
 */
const { renameSync, writeFileSync } = require('node:fs');
const { getHeapSpaceStatistics, setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

const file = process.env.SOAK_HEAP_FILE;
/** Machine code and what belongs to it. Bytecode too lies in the trusted space. */
const CODE_SPACES = /^(?:shared_)?(?:code|trusted)/;

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
  let [objectBytes, codeBytes] = [0, 0];
  for (const { space_name: name, space_used_size: bytes } of getHeapSpaceStatistics()) {
    if (CODE_SPACES.test(name)) codeBytes += bytes;
    else objectBytes += bytes;
  }
  writeFileSync(`${file}.new`, JSON.stringify({ objectsKiB: objectBytes / 1024, codeKiB: codeBytes / 1024 }));
  renameSync(`${file}.new`, file);
});
