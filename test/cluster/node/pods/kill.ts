/** Run with the node's processes in sight: kills (−9) the first process of the container whose id is given. */
import { readdirSync, readFileSync } from 'node:fs';

const [containerId = ''] = process.argv.slice(2);
if (!/^[0-9a-f]{64}$/.test(containerId)) throw new Error(`not a container's id: ${containerId}`);

const pids = readdirSync('/proc')
  .filter((name) => /^\d+$/.test(name))
  .map(Number)
  .filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
    } catch {
      return false;
    }
  });
if (pids.length === 0) throw new Error(`no process of the container ${containerId}`);
process.kill(Math.min(...pids), 'SIGKILL');
console.log(`killed ${Math.min(...pids)}`);
