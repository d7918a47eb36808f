// A certified identity provider (OpenID Connect) that runs here, for tests: whoever signs in is who they say.
//   ISSUER  its own address    CLIENT, SECRET  the service    BACK  where people are sent back
import { Provider } from 'oidc-provider';

const { ISSUER, CLIENT, SECRET, BACK } = process.env;
const provider = new Provider(ISSUER, {
  clients: [{ client_id: CLIENT, client_secret: SECRET, redirect_uris: [BACK], grant_types: ['authorization_code'], response_types: ['code'] }],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  // The grant is of the name that was given at the sign-in; another one here would be a mismatch.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, email: `${id}@example.com`, email_verified: true }),
  }),
  cookies: { keys: ['for tests'] },
});
const server = provider.listen(Number(new URL(ISSUER).port), '127.0.0.1', () => console.log('listening'));
process.on('SIGTERM', () => server.close());
