// A resource server in Express: it verifies access tokens with the published keys, without a call for each request.
//
//     npm install && ISSUER=https://auth.example.org AUDIENCE=https://api.example.org npm start
import express from 'express';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const { ISSUER, AUDIENCE = ISSUER, JWKS_URI = `${ISSUER}/.well-known/jwks.json`, PORT = '3000' } = process.env;

// Kept for the time that Ostiary allows, and fetched anew, at most each second, when a token names an unknown key.
const keys = createRemoteJWKSet(new URL(JWKS_URI), { cacheMaxAge: 300_000, cooldownDuration: 1_000 });

// What jose throws when the keys cannot be had; all else that it throws is about the token.
const unavailable = (error) =>
  !(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout || error.constructor === errors.JOSEError;

async function authenticate(request, response, next) {
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(request.get('Authorization') ?? '') ?? [];
  if (!token) {
    return response.set('WWW-Authenticate', 'Bearer').status(401).json({ detail: 'an access token is needed' });
  }
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['ES256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: 'at+jwt', // RFC 9068: what is signed by the same key for another purpose is no access token
      clockTolerance: 5,
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    request.claims = payload;
  } catch (error) {
    if (unavailable(error)) {
      return response.set('Retry-After', '2').status(503).json({ detail: 'the keys cannot be fetched' });
    }
    response.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    return response.status(401).json({ detail: 'the access token is not valid' });
  }
  next();
}

const app = express();

app.get('/orders', authenticate, (request, response) => {
  response.json({ user: request.claims.sub, orders: [] });
});

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listens at http://127.0.0.1:${server.address().port}`);
});
