import type { SignatureAlgorithm, SigningJwk } from './signing-jwk.ts'

const ed25519: SigningJwk = {
  crv: 'Ed25519',
  x: 'R3AtwjR51idMk3an5uOiwMYcDn0z99oz9NRIRkiPJEA',
  kty: 'OKP',
}
const p256: SigningJwk = {
  kty: 'EC',
  x: 'Fi1FhAAMBeV1mevCgaOOJu8uWgq4_VGN5RORgkQRsQc',
  y: '4CnsiBn2WLPXoReBUEs2hg2da__w0Tk_3i7wXZiDvpI',
  crv: 'P-256',
}
const p384: SigningJwk = {
  kty: 'EC',
  x: 'eMarT3tNz4upknflJf5Xv9Oh1uAVG27paz3bj-r7sHHEgJprxzTrrvlLtP5XjxGe',
  y: 'RdJ0CII9bFUeei0NfQinuSeyVg-ZVJoTHcqVyoTNNmIOYMLuhpb1NWLS9oIrUG1Z',
  crv: 'P-384',
}
const modulus2048 =
  '5xr-ZwYof0Kp21eBezmnyjpKGiFHfZDREPVfDFREUw6ttkX2j-XYjSIIQWV7wA7bGKw3e56ztRODcYgl-nVbeFRBUjpt3Kl46LEiZftmWBjKG-SLn8pO7cVHtM6RPClx25AU3Gwt_87BJeGiagRTZCLewlOfXWICgWpRXPT_SEXgJNgk1ZXjRBHIxiRx4cdxS1EYJlqp6HBNsaG21LRF0NM7EfoSGEYg-xkhq2V_IbJAQKGLjPS9ktrt6T7_HI6RbBvfNxT7PJgtsoMDblfoluL3H3gAyfrpTPitqiQnCbxLulAtyfneXponBudP5waVrPoQQbxwARhA3djnaKs5-w'
/** By the modulus' length in bytes, which is the signature's (RFC 8017 section 8). */
const moduli: Readonly<Record<number, string>> = {
  256: modulus2048,
  384: '1RJmV5kIWKSpKRoZ0dRKU6xi3Gg2PSDnuj_KUmpNoV0mBs4RNI0LPV_jnidZrFfsc-qjXlAaGLMLMOz-81ghGTOMUaI-qrZSOTThCn-Oc_JL7mHBRAVhvpTVb_yOYch7LRGsddUvclEN5SLw0DiUuB4KwSTEV8Kzj3B6HmnYFrpUMaonmQCp3YmigCe-HcaMwsuI_XMbBxRQP-HtjL4El17-T-21AO3oZ3K4ZjpG9Ti_6wxVVAlpPOJrxyC3aipIQIozbXzoh5tDB_yzThe6odewO_l4EAWpgZgX2fovQIzmoiBgNAWkVY2ePsvKSzuVDlGgxpAib4jp94q98gp5XmJz08likYtWkXbKLumlytKGk22eoNzf0lMet9P8z2U6D-7awqw_CMCAoD9JfHPdNRbxl0xA2xTUVT6MYOu9qNGOgZwgo-CH0oK0hS1CrSW0kgucriceAOOKjdFuZJ7J7UCxRsRIIT2a128xPO4n9FCKRqCt7sFfWoh7Pmo1PoBB',
  512: 'ky4MYpElMQVonAeMbWHS3yInrLLnqXsjpjH4yjKxDgdKrMG14l3_wR3B4BtChsVB3LChI8Q5fCwIXji2ytQg2rhE7Q5dUP0qDJBHHJh3hiV8Dl9YZjgkZS5LiU1Kv7RrGbt4GPaXmL57Z5Tjbin-dciQtMic12xTv6rQN6ZOFZ0WVAFe7QVW8yPvAVj7lhHJ3VOd7YVSHKgdkeimmKr11DibMOmtsZG0QOBMHLgB5U-Yw5eZfMGKr50uMOGR_0Ppp15AQ9G4HGbSc2hdn40_BE3vommu4g47qcKIN4CR9qMQaZ9cY3xJc2sMZ26hwp5xa2kQacbT9xvXwFtnsMA-H_fio3nNX7__xlmYCwUPyqroKCdSPsMpUkGM51FhT2toN_o2fVGpaaB-uLgXzAJ96Q-uyUgZ4GI3sv4Ek1fwg4XJyFyEbGAOs03drZ01fYIBFq5CVwJ_lzkbDsLeDJMTEI0v3GkS4-ae_EfPQ_vQdaF8TvYleMRn2B0IBjx94eJmK1JvW4W8gc_rowuOzvnFRYoXLelf35Jz_wNX5IbQgFytDaWPBCt4R98j2_q2sARiuJ62hPEvRF0zNZwZ1TlaIv5s2BuTqPoPuJFyLehMG3HQQY3XShcdpYR_yQhjtjhXZphYAPrVrUR3lKt9LeB1TntUAdmiFnoNuC-nAnoptLM',
}

/**
 * A public key whose private half was thrown away as it was made. A request that no key may have signed
 * is verified under one that is as long as the signature (base64url), so that the time it takes tells
 * nothing.
 */
export function decoyFor(algorithm: SignatureAlgorithm, signature: string): SigningJwk {
  switch (algorithm) {
    case 'ES256':
      return p256
    case 'ES384':
      return p384
    case 'EdDSA':
    case 'Ed25519':
      return ed25519
    case 'PS256':
    case 'RS256': {
      const n = moduli[Buffer.byteLength(signature, 'base64url')] ?? modulus2048
      return { kty: 'RSA', n, e: 'AQAB' }
    }
  }
}
