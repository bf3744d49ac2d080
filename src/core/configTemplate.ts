/** What `ledger init` writes as `ledger.config.json`: every setting, explained, and none of them set. */
export const CONFIG_TEMPLATE = `{
  // Settings of the ledger beside this file. Every line here is optional; // comments and last commas are allowed.
  // A setting that nobody knows is an error: a misspelt cap would cap nothing.

  // What may be spent, in USD as text. The most specific cap and the global one both apply. Narrow one with any member.
  // "caps": [
  //   { "usd": "5.00", "per": "day" },
  //   { "usd": "2.00", "per": "day", "agent": "coder" },
  //   { "usd": "0.50", "per": "run" }
  // ],

  // Parts of a cap at which it is worth a word.
  // "thresholds": [0.5, 0.8, 1],

  // The zone in which days are counted, and when a day begins. Default: this machine's zone, midnight.
  // "timezone": "Europe/Berlin",
  // "day_start": "00:00",

  // "disk": acknowledged means that the row is on the disk (fdatasync). "os": that the operating system has it;
  // faster, and a power cut may take the last rows.
  // "durability": "disk",

  // Catalogues of your own (JSON Schema, one for each action in "$defs"), and whether other actions are refused.
  // "catalogues": ["our-events.json"],
  // "actions": "strict",

  // What an audit trail leaves out (a model's reasoning, raw content, …) is refused in rows of the trail. In others:
  // refuse, hash, warn or off, by catalogue; "plain" stands for rows that no catalogue describes.
  // "omissions": { "decision": "hash", "plain": "warn" },

  // Tokens and private keys, in any row: refuse (the default: a ledger takes nothing back), seal, hash, warn
  // or off.
  // "secrets": "seal",

  // Fields that are sealed in every row that has them: the row keeps a digest, the value lies in sealed.jsonl, from where
  // "ledger disclose" shows it and "ledger erase" takes it for good.
  // "seal": ["reason", "payload.email"],

  // Whose signatures count, as whom and in which roles ("ledger key trust" writes this), and which rows must be signed.
  // "keys": [{ "actor": "alice", "roles": ["release-manager"], "key": "ssh-ed25519 AAAA… alice@laptop" }],
  // "require_signature": ["approval.added", "override.added"],

  // What signs bundles and checkpoints: a key as "ledger append --sign" takes it, "cmd:PROGRAM ARGS", or, for bundles that
  // the other side checks with the same secret, "hmac:FILE".
  // "signer": "ops",

  // Signed tree heads ("ledger checkpoint"): by which key, after how many rows or hours a sweep makes one, and where else
  // each is kept: file:, git:, cmd:, rfc3161:, witness: (docs/anchors.md).
  // "checkpoints": { "key": "ops", "every_rows": 10000, "every_hours": 24, "anchors": ["git:../heads"] },

  // Who is shown what was put into rows (payloads, and members of your own). "open": whoever can read the file.
  // "break-glass": summaries, and the rest with --raw --reason, after a row that says who, what and why; "readers" are
  // the roles that may. With this setting, whichever it is, an export is a row as well.
  // "access": { "raw": "break-glass", "readers": ["auditor"] },
  // "roles": { "auditor": { "users": ["alice"], "groups": ["audit"] } }
}
`;
