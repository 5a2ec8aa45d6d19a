/**
 * The variables that Kubernetes puts into each container for each Service of its namespace, by the end of their names and
 * the shape of their values (kubernetes.io/docs/tutorials/services/connect-applications-service, "Environment Variables").
 * The value counts too, so that `LEASEGATE_PORT=4040`, which somebody typed, is still told apart.
 */
const SHAPES: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/_SERVICE_HOST$/, /^[0-9a-fA-F.:]+$/],
  [/_SERVICE_PORT(_[A-Z0-9_]+)?$/, /^\d+$/],
  [/_PORT(_\d+_(TCP|UDP|SCTP))?$/, /^(tcp|udp|sctp):\/\//],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/, /^(tcp|udp|sctp)$/],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PORT$/, /^\d+$/],
  [/_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/, /^[0-9a-fA-F.:]+$/],
];

/** Whether a variable looks like one that a Service (named `leasegate` or `leasegate-…`, say) brought, not a person. */
export function isServiceLink(name: string, value: string): boolean {
  return SHAPES.some(([nameShape, valueShape]) => nameShape.test(name) && valueShape.test(value));
}
