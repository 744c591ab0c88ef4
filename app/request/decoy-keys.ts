import type { SignatureAlgorithm, SigningJwk } from './signing-jwk.ts'

const ed25519: SigningJwk = {
  crv: 'Ed25519',
  x: 'R3AtwjR51idMk3an5uOiwMYcDn0z99oz9NRIRkiPJEA',
  kty: 'OKP',
}
const rsa: SigningJwk = {
  kty: 'RSA',
  n: '5xr-ZwYof0Kp21eBezmnyjpKGiFHfZDREPVfDFREUw6ttkX2j-XYjSIIQWV7wA7bGKw3e56ztRODcYgl-nVbeFRBUjpt3Kl46LEiZftmWBjKG-SLn8pO7cVHtM6RPClx25AU3Gwt_87BJeGiagRTZCLewlOfXWICgWpRXPT_SEXgJNgk1ZXjRBHIxiRx4cdxS1EYJlqp6HBNsaG21LRF0NM7EfoSGEYg-xkhq2V_IbJAQKGLjPS9ktrt6T7_HI6RbBvfNxT7PJgtsoMDblfoluL3H3gAyfrpTPitqiQnCbxLulAtyfneXponBudP5waVrPoQQbxwARhA3djnaKs5-w',
  e: 'AQAB',
}

/**
 * Public keys whose private halves were thrown away as they were made. A request that no key may have
 * signed is verified under one of them, so that the time it takes tells nothing.
 */
export const decoyKeys: Readonly<Record<SignatureAlgorithm, SigningJwk>> = {
  ES256: {
    kty: 'EC',
    x: 'Fi1FhAAMBeV1mevCgaOOJu8uWgq4_VGN5RORgkQRsQc',
    y: '4CnsiBn2WLPXoReBUEs2hg2da__w0Tk_3i7wXZiDvpI',
    crv: 'P-256',
  },
  ES384: {
    kty: 'EC',
    x: 'eMarT3tNz4upknflJf5Xv9Oh1uAVG27paz3bj-r7sHHEgJprxzTrrvlLtP5XjxGe',
    y: 'RdJ0CII9bFUeei0NfQinuSeyVg-ZVJoTHcqVyoTNNmIOYMLuhpb1NWLS9oIrUG1Z',
    crv: 'P-384',
  },
  EdDSA: ed25519,
  Ed25519: ed25519,
  PS256: rsa,
  RS256: rsa,
}
