// Licensed under the Apache License, Version 2.0; see LICENSE.
// Loopback authorization server for the scenarios, built on oidc-provider. One process, one https issuer
// https://localhost:$AS_PORT. Every secret below is a test value.
// Control: GET /_ctl/stats, POST /_ctl/reset, POST /_ctl/rotate?keep=0|1
import https from 'node:https';
import fs from 'node:fs';
import path from 'node:path';
import { generateKeyPair, exportJWK } from 'jose';
import Provider from 'oidc-provider';

const pki = process.env.AS_PKI;
const port = Number(process.env.AS_PORT);
const ttl = Number(process.env.AS_TTL ?? 600);
const issuer = `https://localhost:${port}`;
const ALGS = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

async function newKeys(generation) {
  const keys = [];
  for (const alg of ALGS) {
    if (alg === 'Ed25519') continue; // the EdDSA key carries no "alg" and serves both names
    const options = { extractable: true, crv: alg === 'EdDSA' ? 'Ed25519' : undefined };
    const jwk = await exportJWK((await generateKeyPair(alg, options)).privateKey);
    if (alg !== 'EdDSA') jwk.alg = alg;
    keys.push({ ...jwk, use: 'sig', kid: `${alg.toLowerCase()}-g${generation}` });
  }
  return keys;
}

const rsKeys = JSON.parse(process.env.RS_JWKS ?? '{"keys":[]}');
const asks = { grant_types: [], response_types: [], redirect_uris: [] };
const gets = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'read write admin' };
const clients = [
  // RFC 6749 2.3.1: id and secret are form-encoded before they go into Basic; this secret shows who does it.
  { client_id: 'rs-basic', client_secret: 'rs basic:s+cret/%26', token_endpoint_auth_method: 'client_secret_basic', ...asks },
  { client_id: 'rs-post', client_secret: 'rs-post-secret', token_endpoint_auth_method: 'client_secret_post', ...asks },
  { client_id: 'rs-secret-jwt', client_secret: 'rs-secret-jwt-of-more-than-32-bytes', token_endpoint_auth_method: 'client_secret_jwt', ...asks },
  // RS_JWKS holds their public keys. Replies to the last two are signed, and encrypted (RFC 9701).
  { client_id: 'rs-private', token_endpoint_auth_method: 'private_key_jwt', jwks: rsKeys, ...asks },
  { client_id: 'rs-signed', token_endpoint_auth_method: 'private_key_jwt', jwks: rsKeys, introspection_signed_response_alg: 'ES256', ...asks },
  { client_id: 'rs-sealed', token_endpoint_auth_method: 'private_key_jwt', jwks: rsKeys, introspection_signed_response_alg: 'PS256',
    introspection_encrypted_response_alg: 'RSA-OAEP-256', introspection_encrypted_response_enc: 'A128CBC-HS256', ...asks },
  // RFC 8705 2.1: the certificate must name this host.
  { client_id: 'rs-tls', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'mod-oauth2-rs', ...asks },
  { client_id: 'rs-none', token_endpoint_auth_method: 'none', ...asks },
  { client_id: 'app', client_secret: 'app-secret', ...gets },
];

const signing = ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'];

const jwtResource = /^https:\/\/rs\.example\/jwt\/(\w+)$/;

const peerOf = (ctx) => ctx.req.socket.getPeerX509Certificate();

function build(keys) {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    scopes: ['openid', 'offline_access', 'read', 'write', 'admin'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'none'],
    enabledJWA: {
      clientAuthSigningAlgValues: signing,
      introspectionSigningAlgValues: signing,
      introspectionEncryptionAlgValues: ['RSA-OAEP-256'],
      introspectionEncryptionEncValues: ['A128CBC-HS256'],
    },
    cookies: { keys: ['test'] },
    ttl: { ClientCredentials: () => ttl, AccessToken: () => ttl },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId.startsWith('rs-') },
      jwtIntrospection: { enabled: true },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => peerOf(ctx)?.toString(),
        certificateAuthorized: (ctx) => ctx.req.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_dns' && peerOf(ctx)?.checkHost(expected) === expected,
      },
      encryption: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, id) => {
          const alg = jwtResource.exec(id)?.[1];
          const info = { audience: id, scope: 'read write admin', accessTokenTTL: ttl };
          return ALGS.includes(alg)
            ? { ...info, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }
            : { ...info, accessTokenFormat: 'opaque' };
        },
      },
    },
  });
  provider.on('server_error', (ctx, error) => console.error('server_error', error));
  return provider.callback();
}

let generation = 1;
let keys = await newKeys(generation);
let handler = build(keys);
const stats = {};

// oidc-provider cannot rotate at run time: a new provider takes over, its store of opaque tokens is shared.
async function rotate(keep) {
  generation += 1;
  keys = [...await newKeys(generation), ...(keep ? keys : [])]; // it signs with the first key that fits
  handler = build(keys);
  return keys.map((key) => key.kid);
}

async function control(url) {
  if (url.pathname === '/_ctl/rotate') return rotate(url.searchParams.get('keep') === '1');
  if (url.pathname === '/_ctl/reset') for (const name of Object.keys(stats)) delete stats[name];
  return stats;
}

const server = https.createServer({
  key: fs.readFileSync(path.join(pki, 'server.key')),
  cert: fs.readFileSync(path.join(pki, 'server.crt')),
  ca: fs.readFileSync(path.join(pki, 'ca.crt')),
  requestCert: true,
  rejectUnauthorized: false,
}, async (req, res) => {
  const url = new URL(req.url, issuer);
  if (url.pathname.startsWith('/_ctl/')) {
    res.setHeader('content-type', 'application/json');
    return res.end(JSON.stringify(await control(url)));
  }
  stats[url.pathname] = (stats[url.pathname] ?? 0) + 1;
  return handler(req, res);
});
server.listen(port, '127.0.0.1', () => console.log('ready', issuer));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
