/** What a table that has both says of this pod. */
export interface PodValues {
  readonly podName: string | undefined;
  readonly podUid: string | undefined;
}

/** Whether the name and uid of the pod were given: Kubernetes deletes at once what has an owner that is not there. */
export function isPodGiven({ podName, podUid }: PodValues): boolean {
  return podName !== undefined && podUid !== undefined;
}
