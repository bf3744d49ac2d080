/** Texts of the shapes that issuers give out, made here: a file that held one would itself be taken for a leak. */
import { generateKeyPairSync } from 'node:crypto';

/** Letters and digits that follow no pattern, the same in every run. */
export function filler(length: number, alphabet = 'ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz0123456789'): string {
  let state = length;
  const one = (): string => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return alphabet[Math.floor((state / 2_147_483_648) * alphabet.length)] as string;
  };
  return Array.from({ length }, one).join('');
}

const HEX = '0123456789abcdef';
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const token = (...parts: readonly string[]): string => parts.join('');
const dashes = '-'.repeat(5);

export const GITHUB_TOKEN = token('ghp', '_', filler(36));

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const [RSA, EC, ED] = [
  generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  generateKeyPairSync('ed25519').privateKey,
];
/** The forms in which tools write private keys. */
export const PRIVATE_KEYS: readonly string[] = [
  RSA.export({ type: 'pkcs1', format: 'pem' }),
  RSA.export(PKCS8),
  RSA.export({ ...PKCS8, cipher: 'aes-256-cbc', passphrase: 'x' }),
  EC.export({ type: 'sec1', format: 'pem' }),
  EC.export(PKCS8),
  ED.export(PKCS8),
  token(dashes, 'BEGIN OPENSSH PRIVATE', ' KEY', dashes, '\n', 'b3BlbnNzaC1rZXktdjE', filler(51), '\n', filler(70)),
  token(dashes, 'BEGIN PGP PRIVATE', ' KEY BLOCK', dashes, '\nVersion: GnuPG v2\n\n', filler(64), '\n', filler(64)),
].map(String);

/** What the detector calls it, and one of it. */
export const EXAMPLES: readonly (readonly [kind: string, text: string])[] = [
  ['GitHub Token', GITHUB_TOKEN],
  ['GitHub Token', token('github', '_pat_', filler(82))],
  ['GitHub Token', token('ghs', '_12345_', filler(40), '.', filler(200), '.', filler(80))],
  ['GitHub Token', token('https://', filler(40), ':x-oauth-basic', '@github.com/acme/x')],
  ['GitLab Personal Access Token', token('glpat', '-', filler(20))],
  ['npm access token', token('npm', '_', filler(36))],
  ['slack token', token('xoxb', '-', filler(12), '-', filler(13), '-', filler(24))],
  ['Slack Incoming Webhook', token('https://hooks.', 'slack.com/services/T', filler(8), '/B', filler(8), '/', filler(24))],
  ['Sendgrid api key', token('SG', '.', filler(22), '.', filler(43))],
  ['Shopify api key', token('shpat', '_', filler(32, HEX))],
  ['Stripe Live Secret Key', token('sk', '_live_', filler(24))],
  ['Stripe Live Restricted Key', token('rk', '_live_', filler(99))],
  ['OpenAI API token', token('sk', '-proj-', filler(74), 'T3Blbk', 'FJ', filler(74))],
  ['OpenAI API token', token('sk', '-', filler(20), 'T3Blbk', 'FJ', filler(20))],
  ['Anthropic Claude API key', token('sk', '-ant-api03-', filler(93), 'AA')],
  ['Groq API key', token('gsk', '_', filler(52))],
  ['Hugging Face User Access Token', token('hf', '_', filler(34, LETTERS))],
  ['linear api token', token('lin', '_api_', filler(40))],
  ['Notion integration token', token('ntn', '_', filler(11, '0123456789'), filler(35))],
  ['1Password Service Account token', token('ops', '_', base64({ email: filler(60), key: filler(60) }))],
  ['HashiCorp Vault service token', token('hvs', '.', filler(95))],
  ['Vercel personal access token', token('vcp', '_', filler(20))],
  ['Databricks personal access token', token('da', 'pi', filler(32, HEX))],
  ['Docker Personal Access Token', token('dckr', '_pat_', filler(27))],
  ['Figma Personal Access Token', token('figd', '_', filler(40))],
  ['Cloudflare User API Token', token('cfut', '_', filler(40), filler(8, HEX))],
  ['Tailscale API access token', token('tskey', '-api-', filler(12), '-', filler(32))],
  ['Grafana Service Account token', token('glsa', '_', filler(32), '_', filler(8, HEX))],
  ['Grafana Cloud API token', token('glc', '_', filler(60))],
  ['AWS Secret Access Key', token('AWS_SECRET', '_ACCESS_KEY=', filler(40))],
  ['basic auth credential', token('https://', 'deploy:', filler(12), '@git.acme.org/x')],
  ['PostgreSQL connection string', token('postgres', '://app:', filler(16), '@db.acme.org:5432/app')],
  ['MongoDB connection string', token('mongodb+srv', '://app:', filler(16), '@cluster0.acme.org/app')],
  ['MySQL connection string', token('mysql', '://app:', filler(16), '@db.acme.org/app')],
  ...PRIVATE_KEYS.flatMap((key) => [key, key.replaceAll('\n', '\\n'), key.replaceAll('\n', '\r\n'), key.replaceAll('\n', ' ')].map((text) => ['private key', text] as const)),
]; // prettier-ignore

/** Ends as a service account's token does: in a brace that stands alone in the last group of three bytes. */
function base64(value: object): string {
  const [plain, more] = ['', 'xx'].map((pad) => JSON.stringify({ pad, ...value })) as [string, string];
  const text = [plain, more.replace('xx', 'x'), more].find(({ length }) => length % 3 === 1) as string;
  return Buffer.from(text).toString('base64');
}
