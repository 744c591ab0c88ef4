/**
 * What may stand in a problem's `type` (RFC 9457), served at `/problems/<name>` and listed in
 * docs/problems.md: status, title, what it means, and what to do. `retry`: waiting helps, and
 * Retry-After says how long.
 */
export const problemTypes = {
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    meaning: 'No route has this path.',
    remedy: 'Check the URL: devices ask at /v1/provision.',
    retry: false,
  },
  'method-not-allowed': {
    status: 405,
    title: 'The route does not take this method',
    meaning: 'Allow in the answer says which method it takes.',
    remedy: 'Use that method.',
    retry: false,
  },
  'request-too-large': {
    status: 413,
    title: 'The request is too large',
    meaning: 'The body is longer than 16,384 bytes.',
    remedy: 'Send a shorter certificate chain or a CSR without extensions.',
    retry: false,
  },
  'request-timeout': {
    status: 408,
    title: 'The request came too slowly',
    meaning: 'Its body was not there within the time that a request has, 20 seconds by default.',
    remedy: 'Wait as long as Retry-After says, and send it in one piece.',
    retry: true,
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of another type',
    meaning: 'Content-Type is neither application/jose nor application/jose+json.',
    remedy:
      'Send application/jose with a compact JWS, or application/jose+json with a flattened one.',
    retry: false,
  },
  'invalid-request': {
    status: 400,
    title: 'The request is malformed',
    meaning: 'The body is no JWS, or its header or payload lacks a member or has a wrong one.',
    remedy: 'detail names the member. Asking again with the same request changes nothing.',
    retry: false,
  },
  'wrong-audience': {
    status: 400,
    title: 'The request is for another deployment',
    meaning: 'aud is not the name of this deployment.',
    remedy: 'Give the device this deployment’s audience, or its URL the right deployment.',
    retry: false,
  },
  'stale-request': {
    status: 400,
    title: 'The request is not fresh',
    meaning:
      'iat or the nonce is too old or too far ahead, or a certificate was made already for a request that was issued no earlier.',
    remedy: 'Sign again, with the nonce in Replay-Nonce; ask at once.',
    retry: false,
  },
  'not-authorized': {
    status: 403,
    title: 'The request is not authorized',
    meaning:
      'The allow-list does not have this thing name, or the signature is not by who may sign for it. Which of them is not said.',
    remedy:
      'Check key, kid and thing name. Operators see the reason in the edge’s log by requestId, and the record with landfall allow show.',
    retry: false,
  },
  'invalid-csr': {
    status: 400,
    title: 'The CSR can not be used',
    meaning: 'It does not parse or verify, or is not for this device.',
    remedy: 'detail says why. Make a new key and CSR.',
    retry: false,
  },
  blocked: {
    status: 403,
    title: 'The device is blocked',
    meaning: 'An operator blocked it.',
    remedy: 'Ask whoever runs the fleet.',
    retry: false,
  },
  'already-provisioned': {
    status: 409,
    title: 'The device is provisioned already',
    meaning: 'It has a certificate for another key, and its product does not replace it.',
    remedy:
      'Ask with the CSR of that key to get the same certificate, or have an operator reset it.',
    retry: false,
  },
  conflict: {
    status: 409,
    title: 'An operator has to look at this device',
    meaning: 'Its thing or its certificate is not Landfall’s, or its record can not be used.',
    remedy: 'Ask whoever runs the fleet; the edge’s log has the reason by requestId.',
    retry: false,
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    meaning: 'This address, or this thing name, asks too often.',
    remedy: 'Wait as long as Retry-After says, plus a random part.',
    retry: true,
  },
  'in-progress': {
    status: 503,
    title: 'Another attempt is under way',
    meaning: 'A request of this device holds the record.',
    remedy: 'Wait as long as Retry-After says, then ask again.',
    retry: true,
  },
  unavailable: {
    status: 503,
    title: 'It can not be done at this moment',
    meaning: 'A table or every region that the device may land in can not be reached or is full.',
    remedy: 'Wait as long as Retry-After says, plus a random part, then ask again.',
    retry: true,
  },
  'internal-error': {
    status: 500,
    title: 'A fault of the router',
    meaning: 'Something that nobody foresaw.',
    remedy: 'Ask again later, longer each time; the edge’s log has the cause by requestId.',
    retry: false,
  },
} as const satisfies Record<
  string,
  { status: number; title: string; meaning: string; remedy: string; retry: boolean }
>

export type ProblemName = keyof typeof problemTypes
export const problemNames = Object.keys(problemTypes) as readonly ProblemName[]
