/** By what the Lease of a member is known, to whoever writes it and to whoever shows it. */

/** Which election a member belongs to. */
export const MEMBER_ELECTION_LABEL = 'leasegate.dev/election';
/** Tells the Leases of members from others that carry the election's label. */
export const LEASE_KIND_LABEL = 'leasegate.dev/lease';
export const MEMBER_KIND = 'member';
/** The pod whose heartbeat it is. */
export const MEMBER_POD_ANNOTATION = 'leasegate.dev/pod';
