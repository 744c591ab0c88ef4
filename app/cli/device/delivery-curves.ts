/** The curves of the keys that one made by AWS IoT may be encrypted to. */
export const deliveryCurves = ['P-256', 'X25519'] as const
export type DeliveryCurve = (typeof deliveryCurves)[number]
