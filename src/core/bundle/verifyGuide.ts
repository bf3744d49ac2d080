/** VERIFY.md: how somebody who has a folder and a key, and nothing of ours, checks it with tools that are there already. */
import { printable } from '../printable';
import type { Bundle } from './bundle';
import { NAMESPACE, SUMS, SUMS_SIGNATURE } from './folder';
import { nameOf } from './streams';

/** A code span that no id can end: what somebody named a run is never markup. */
function verbatim(text: string): string {
  const shown = printable(text).replace(/[\r\n]/g, ' ');
  const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `${fence}${shown}${fence}` : `${fence} ${shown} ${fence}`;
}

export function verifyGuide(bundle: Bundle, { withVerifier }: { readonly withVerifier: boolean }): string {
  const { ledger, streams, events, signature, workflowId } = bundle;
  const list = streams
    .map((stream) => `- ${verbatim(nameOf(stream))}: ${stream.rows} rows, ${stream.state}`)
    .join('\n');
  return `# Evidence: ${verbatim(workflowId)}

${events.length} rows of the ledger ${verbatim(ledger.origin)} (${verbatim(ledger.ledger_id)}), signed with the key ${signature.keyId}.

${list}

Every command below runs in this folder and needs coreutils, OpenSSH and sed; those marked so, jq or OpenSSL 3 as well.

## 1. The key

\`signer.pub\` says whose signature to expect, and proves nothing: whoever changed this folder could have changed it, too. Take
the key from somewhere else (a contract, a web page, a person) and put it beside this folder as \`../trusted.pub\`.

\`\`\`sh
ssh-keygen -lf ../trusted.pub      # must say ${signature.keyId}
\`\`\`

## 2. The files

\`\`\`sh
printf 'ledger namespaces="${NAMESPACE}" %s\\n' "$(cut -d ' ' -f 1,2 ../trusted.pub)" > ../allowed_signers
ssh-keygen -Y verify -f ../allowed_signers -I ledger -n ${NAMESPACE} -s ${SUMS_SIGNATURE} < ${SUMS}
sha256sum --strict -c ${SUMS}
\`\`\`

Both must succeed. Then every file that ${SUMS} names is as it was signed; a file that it does not name is no part of this.

## 3. The rows

Each row's \`hash\` is that of its own bytes, and each names the hash of the row before it in its stream (\`run_prev_hash\`,
\`decision_prev_hash\`; 64 zeros at the first), by its place there (\`run_seq\`, \`decision_seq\`, from 1). Nothing may be printed:

\`\`\`sh
while IFS= read -r row; do
  want=$(printf '%s' "$row" | sed -E 's/.*"hash":"([0-9a-f]{64})"\\}$/\\1/')
  got=$(printf '%s' "$row" | sed -E 's/,"hash":"[0-9a-f]{64}"\\}$/}/' | sha256sum | cut -d ' ' -f 1)
  [ "$want" = "$got" ] || printf 'changed: %s\\n' "$row"
done < rows.jsonl
\`\`\`

The streams, with jq; the places must be 1, 2, 3, … and each link the hash above it:

\`\`\`sh
jq -c '[.run_id, .run_seq, .run_prev_hash, .hash]' rows.jsonl
jq -c '[.decision_id, .decision_seq, .decision_prev_hash, .hash]' rows.jsonl
\`\`\`

## 4. The whole, as one bundle

\`manifest.json\`, \`rows.jsonl\`, \`proofs.jsonl\` and \`checkpoint.txt\` are one bundle. With jq, its content hash, which must be
\`contentHash\` in manifest.json. jq writes some values otherwise than RFC 8785 (a DEL character, numbers such as 1e-7 and 1e20,
names beyond U+FFFF in another order): where its digest is another one, take the program below.

\`\`\`sh
jq -cSj --rawfile rows rows.jsonl --slurpfile inclusion proofs.jsonl --rawfile checkpoint checkpoint.txt \\
  'del(.contentHash, .signature) + {events: ($rows | rtrimstr("\\n") | split("\\n")), $inclusion, $checkpoint}' \\
  manifest.json | sha256sum
\`\`\`

Its signature, with OpenSSL 3 (older ones have no -rawin):

\`\`\`sh
{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; cut -d ' ' -f 2 ../trusted.pub | base64 -d | tail -c 32; } > ../trusted.der
{ printf 'ledger-bundle/1\\n'; jq -j .contentHash manifest.json; } > ../signed.txt
jq -j .signature.value manifest.json | tr a-f A-F | basenc --base16 -d > ../signature.bin
openssl pkeyutl -verify -pubin -keyform DER -inkey ../trusted.der -rawin -in ../signed.txt -sigfile ../signature.bin
\`\`\`

## 5. The tree

\`checkpoint.txt\` is a signed tree head (a C2SP signed note over an RFC 6962 tree): which ledger, how many rows, and a root over
all of them. \`proofs.jsonl\` has, for each row, the path to that root; the leaf of row n is SHA-256(00 || its hash), at index
n - 1. Any RFC 6962 library checks that. So does ${withVerifier ? '`verify-bundle.mjs` here' : '`verify-bundle.mjs`, which comes with the ledger and on request with such a folder'}, one
file without dependencies, together with all of the above; it takes Node 20 or later:

\`\`\`sh
node verify-bundle.mjs . --key ../trusted.pub
\`\`\`

## What this does not prove

- that no row of these streams came after the last one shown here of each: whoever signs can leave out the end of a stream
- that everybody is shown the same ledger: compare the tree head with one that you had from elsewhere
- that all that happened was logged, and was true when it was logged
`;
}
