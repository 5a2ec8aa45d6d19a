/**
 * The pods' network. The API server takes no loopback address for an endpoint, and this machine has no other for a pod: so
 * `10.x.y.z` stands for `127.x.y.z`, where all pods listen on the one port of their Service.
 */
export function podIp(set: number, pod: number): string {
  return `10.${set}.${Math.floor(pod / 250)}.${(pod % 250) + 1}`;
}

/** Where whoever listens on a pod's address is found on this machine. */
export function hostOf(podIp: string): string {
  return podIp.replace(/^10\./, '127.');
}
